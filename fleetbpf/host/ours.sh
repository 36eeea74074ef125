# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# shellcheck disable=SC2015,SC2034,SC2154 # who calls sets root, run and units, and reads what is set here
# shellcheck disable=SC3013,SC3067 # -ef and -O came to POSIX in 2024, and to all of our shells before
# What of fleetbpf's is on this host, wherever it may be: for the scripts that this stands before.
# They define
#   found KIND DEPLOYMENT PROGRAM RELEASE WHAT    one thing; PROGRAM and RELEASE may be ''
# KIND is process (WHAT: its pid), active (a unit), unit, drop-in, enabled, state, pin, instance,
# spool, files or folder (a path). Whoever may write where we look may choose names: what is no name
# of ours is not found, and nothing that belongs to another user is.
pins=/sys/fs/bpf/fleetbpf
runtime=/run/systemd
known=' ' # pids, between spaces, that are not looked for
wanted='' # or DEPLOYMENT/PROGRAM, whose loaders alone are looked for
thorough='' # or yes: look at what costs processes of our own, too

# is_name TEXT: may it be the name of a deployment, a program or a release?
is_name() {
	case $1 in '' | [.-]* | *[!A-Za-z0-9_.-]*) return 1 ;; esac
	[ ${#1} -le 128 ]
}

# own PATH: it is there, it is no link, and it is not another user's
own() { [ -e "$1" ] && [ ! -h "$1" ] && [ -O "$1" ]; }

has_systemd() { [ -d "$runtime/system" ]; }

# here LINK: where a link to a folder leads; what it says, when that has gone
here() {
	if cd -P "$1"; then pwd; else readlink "$1"; fi
} 2>/dev/null

# current_of PROGRAM: into `current`, its release; '' for none. `deployment` is whose it is.
current_of() {
	current=''
	[ ! -h "$root/$deployment/$1/current" ] || current=$(here "$root/$deployment/$1/current")
	current=${current##*/}
}

# traces: all that is found, but for the files of releases
traces() {
	signs
	find_instances
}

# signs: the same but for tracefs, where loaders of containers have instances too
signs() {
	find_processes
	find_units
	find_active
	find_states
	find_pins
}

# find_processes: loaders that run, whatever has become of their files. A name tells nothing: it
# spares all other processes a closer look, which costs one of our own. A thorough look has one
# process list what all of them execute; if there are too many for that, each is looked at.
find_processes() {
	executed=''
	[ -z "$thorough" ] || executed=$(unset TIME_STYLE QUOTING_STYLE; LC_ALL=C ls -ln /proc/[0-9]*/exe)
	if [ -n "$executed" ]; then
		while IFS= read -r line; do
			case $line in
			*' /proc/'*'/exe -> '*/objects/* | *' /proc/'*'/exe -> '*/loader*) line=${line#*' /proc/'} ;;
			*) continue ;;
			esac
			look_at "${line%%/*}"
		done <<END
$executed
END
		return
	fi
	for process in /proc/[0-9]*; do
		[ -e "$process/exe" ] && read -r line <"$process/comm" || continue # the kernel's own have none
		case $line in
		loader | [0-9] | [0-9][0-9]) ;; # executed by its path, or by a descriptor
		???????????????) case $line in *[!0-9a-f]*) [ -n "$thorough" ] || continue ;; esac ;;
		*) [ -n "$thorough" ] || continue ;;
		esac
		look_at "${process#/proc/}"
	done
} 2>/dev/null

# look_at PID: is it one of ours? Whatever has made a text of it is not believed.
look_at() {
	case $1 in '' | *[!0-9]*) return 0 ;; esac
	case $known in *" $1 "*) return 0 ;; esac
	! is_loader "$1" || found process "$of_deployment" "$of_program" "$of_release" "$1"
}

# is_loader PID: is it a running loader of ours? Its executable tells, which may be gone, and what it
# was started with. Not one of another user or a container, nor one that shows something and ends.
is_loader() {
	[ -O "/proc/$1" ] && [ "/proc/$1/ns/pid" -ef /proc/self/ns/pid ] || return 1
	started_with "$1"
	[ -z "$wanted" ] || [ "$wanted" = "$of_deployment/$of_program" ] || return 1
	case $line in --dump* | --check* | --clean* | --describe* | --help*) return 1 ;; esac
	[ -n "$of_release" ] && [ "/proc/$1/exe" -ef "$root/$of_deployment/$of_program/releases/$of_release/loader" ] && return
	executable=$(readlink "/proc/$1/exe") || return 1
	case $executable in
	"$root"/objects/*) ;;
	*/objects/*) [ -n "$of_release" ] && is_checksum "${executable##*/}" || return 1 ;; # moved, or by a link
	*) return 1 ;;
	esac
} 2>/dev/null

# is_checksum FILE: of a file that may be deleted
is_checksum() {
	set -- "${1% (deleted)}"
	case $1 in *[!0-9a-f]*) return 1 ;; esac
	[ ${#1} -eq 64 ]
}

# started_with PID: into of_deployment, of_program and of_release, whose arguments a process was given, '' for none;
# into `line`, what follows them. Shells read no zero bytes, so the words stand side by side.
started_with() {
	line='' of_deployment='' of_program='' of_release=''
	read -r line <"/proc/$1/cmdline" || :
	rest=${line#*--args"$root"/}
	[ "$rest" != "$line" ] || return 0
	set -- "${rest%%/*}" "${rest#*/}"
	set -- "$1" "${2%%/*}" "${2#*/}"
	case $3 in releases/*/args*) set -- "$1" "$2" "${3#releases/}" ;; *) return 0 ;; esac
	set -- "$1" "$2" "${3%%/*}" "${3#*/args}"
	line=$4
	is_name "$1" && is_name "$2" && is_name "$3" || return 0
	of_deployment=$1 of_program=$2 of_release=$3
}

# find_units: our units and what was added to them, in all folders that may have some
find_units() {
	for place in "$units" "$runtime/system" "${units%/*}/system.control" "$runtime/system.control" "$runtime/transient"; do
		for file in "$place"/fleetbpf-*.*@*; do
			{ [ -e "$file" ] || [ -h "$file" ]; } && unit_of "${file##*/}" || continue
			case $file in
			*@.service) found unit "$of_deployment" "$of_program" '' "$file" ;;
			*) found drop-in "$of_deployment" "$of_program" "$of_release" "$file" ;;
			esac
		done
		for file in "$place"/*.wants/fleetbpf-*.*@*.service "$place"/*.requires/fleetbpf-*.*@*.service; do
			[ -h "$file" ] && unit_of "${file##*/}" || continue
			found enabled "$of_deployment" "$of_program" "$of_release" "$file"
		done
	done
}

# unit_of NAME: into of_deployment, of_program and of_release, whose unit or folder of drop-ins has that name
unit_of() {
	rest=${1#fleetbpf-}
	case $rest in *.service) rest=${rest%.service} ;; *.service.d) rest=${rest%.service.d} ;; *) return 1 ;; esac
	of_deployment=${rest%%.*} rest=${rest#*.}
	of_program=${rest%@*} of_release=${rest##*@}
	is_name "$of_deployment" && is_name "$of_program" && { [ -z "$of_release" ] || is_name "$of_release"; }
}

# find_active: units that systemd runs or tries to start again, whether they have files or not
find_active() {
	for file in "$runtime"/units/invocation:fleetbpf-*.*@*.service; do
		[ -h "$file" ] && unit_of "${file##*invocation:}" || continue
		found active "$of_deployment" "$of_program" "$of_release" "${file##*invocation:}"
	done
	[ -n "$thorough" ] && has_systemd || return 0
	for file in $(systemctl list-units --all --full --plain --no-legend 'fleetbpf-*' |
		sed -n '/ inactive /!s/[^a-z]*\([^ ]*\).*/\1/p'); do
		[ ! -h "$runtime/units/invocation:$file" ] && unit_of "$file" || continue
		found active "$of_deployment" "$of_program" "$of_release" "$file"
	done
} 2>/dev/null

find_states() {
	for file in "$run"/*/*/*; do
		own_below "$run" "$file" || continue
		found state "$of_deployment" "$of_program" "$of_release" "$file"
	done
}

# find_pins: in bpffs, which is open to all unless somebody cares, a user may have been there first
find_pins() {
	own "$pins" || return 0
	for file in "$pins"/*/*/*; do
		own_below "$pins" "$file" || continue
		[ "$of_release" != maps ] || of_release='' # pinned by name, for all releases
		found pin "$of_deployment" "$of_program" "$of_release" "$file"
	done
}

# own_below FOLDER PATH: the same as below, where nothing on the way there is another user's, or a link
own_below() { own "$2" && own "${2%/*}" && own "${2%/*/*}" && below "$1" "$2"; }

# below FOLDER PATH: into of_deployment, of_program and of_release, what its three last parts are
below() {
	rest=${2#"$1"/}
	of_deployment=${rest%%/*} rest=${rest#*/}
	of_program=${rest%%/*} of_release=${rest#*/}
	is_name "$of_deployment" && is_name "$of_program" && is_name "$of_release"
}

find_instances() {
	for place in /sys/kernel/tracing /sys/kernel/debug/tracing; do
		[ -d "$place/instances" ] || continue
		for file in "$place"/instances/fleetbpf.*.*.*; do
			own "$file" || continue
			rest=${file##*/fleetbpf.}
			of_deployment=${rest%%.*} rest=${rest#*.}
			of_program=${rest%%.*} of_release=${rest#*.}
			is_name "$of_deployment" && is_name "$of_program" && is_name "$of_release" || continue
			found instance "$of_deployment" "$of_program" "$of_release" "$file"
		done
		return
	done
}
