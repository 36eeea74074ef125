# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# shellcheck disable=SC2015,SC2034,SC2154 # who calls sets root, run, units and deployment, others the rest
# Ending what is ours, from whatever state it is in: for the script that this stands before. It needs
# lock.sh and ours.sh, and what it changes is told by nobody's word: it looks each time.
reload='' # or due: systemd has to read units anew
timed=''
everything='' # or yes: all deployments go

# within SECONDS COMMAND...: no longer than that, where there is a timeout(1): the host is locked
within() {
	[ -n "$timed" ] || if timeout -s KILL 9 true; then timed=yes; else timed=no; fi 2>/dev/null
	if [ "$timed" = yes ]; then
		timeout -s KILL "$@"
	else
		shift
		"$@"
	fi
}

unit() { echo "fleetbpf-$deployment.$1@$2.service"; }

# reload_units: have systemd read what was placed or removed, which takes seconds on a slow host
reload_units() {
	[ -z "$reload" ] || within 120 systemctl daemon-reload && reload=''
}

# --- what is there ---

# found KIND DEPLOYMENT PROGRAM RELEASE WHAT: what ours.sh finds, for whoever looks
found() {
	case $looking_for in
	programs) note_program "$2" "$3" && return ;;
	nameless) [ -n "$2" ] || pids="$pids $5" ;;
	esac
	[ "$2/$3" = "$deployment/$program" ] || return 0
	case $looking_for:$1 in
	releases:*) [ -z "$4" ] || case $releases in *" $4 "*) ;; *) releases="$releases$4 " ;; esac ;;
	loaders:process) [ "$4" != "${release:-$4}" ] || pids="$pids $5" ;;
	links:enabled) [ "$4" != "${release:-$4}" ] || remove_link "$5" ;;
	added:drop-in) remove_file "$5" ;;
	added:unit) [ "${5%/*}" = "$units" ] || remove_file "$5" ;;
	instances:instance) [ "$4" != "${release:-$4}" ] || rmdir "$5" ;;
	esac
} 2>/dev/null

# note_program DEPLOYMENT PROGRAM: into `programs`, once, if it is of those that are meant
note_program() {
	is_name "$1" && is_name "$2" && [ "$1" = "${deployment:-$1}" ] || return 0
	case $programs in *" $1/$2 "*) ;; *) programs="$programs$1/$2 " ;; esac
}

# remove_file PATH: of systemd's, or a folder of drop-ins, unless somebody else may change where it is
remove_file() {
	stranger "${1%/*}"
	[ -n "$stranger" ] || { rm -rf "$1" && reload=due; }
}

# remove_link PATH: one of those that enable a unit; no reload for it, which takes seconds
remove_link() {
	stranger "${1%/*}"
	[ -n "$stranger" ] || rm -f "$1"
}

# releases_of PROGRAM: into `releases`, between spaces, all that has left anything but its files
releases_of() {
	looking_for=releases program=$1 releases=' ' wanted=$deployment/$1
	traces
}

# loaders_of PROGRAM RELEASE: into `pids`; RELEASE "": of any; fails when none runs
loaders_of() {
	looking_for=loaders program=$1 release=$2 pids='' wanted=$deployment/$1
	find_processes
	[ -n "$pids" ]
}

# nameless_loaders: into `pids`, those that do not tell of which release they are
nameless_loaders() {
	looking_for=nameless program='' pids='' wanted=''
	find_processes
	[ -n "$pids" ]
}

# remove_links PROGRAM RELEASE: nothing starts it at boot any more; RELEASE "": nor any other
remove_links() {
	looking_for=links program=$1 release=$2
	find_units
}

# remove_added PROGRAM: what somebody has added to its unit
remove_added() {
	looking_for=added program=$1
	find_units
}

# remove_instances PROGRAM RELEASE: of loaders that were killed; RELEASE "": of all
remove_instances() {
	looking_for=instances program=$1 release=$2
	find_instances
}

# all_programs: into `programs`, DEPLOYMENT/PROGRAM of all that there is of $deployment, or of all
all_programs() {
	looking_for=programs programs=' ' wanted=''
	for place in "$root" "$run" "$pins"; do
		for folder in "$place"/*/*/; do
			folder=${folder%/} program=${folder##*/} folder=${folder%/*}
			own "$folder" && own "$folder/$program" || continue
			case ${folder##*/} in objects | lock) ;; *) note_program "${folder##*/}" "$program" ;; esac
		done
	done
	traces
}

# --- ending it ---

# end LOOK PROGRAM RELEASE: ask all loaders that LOOK tells to stop; after 20 s they are killed. All
# at once: a supervisor starts its loader anew.
end() {
	tries=0
	while [ "$tries" -lt 25 ] && "$1" "$2" "$3"; do
		# shellcheck disable=SC2086 # numbers
		case $tries in
		0) kill -TERM $pids; kill -CONT $pids; sleep 0.2 ;; # most need no longer; not every sleep knows fractions
		2?) kill -KILL $pids ;;
		esac
		tries=$((tries + 1))
		! "$1" "$2" "$3" || sleep 1
	done
} 2>/dev/null

# stop_units UNIT...: whether they have files or not
stop_units() {
	[ $# -gt 0 ] && has_systemd || return 0
	within 120 systemctl --quiet stop "$@" 2>/dev/null
	within 60 systemctl reset-failed "$@" 2>/dev/null
}

# halt PROGRAM RELEASE: end it and wait until it has gone; fine when it does not run
halt() {
	if has_systemd; then
		stop_units "$(unit "$1" "$2")"
		remove_links "$1" "$2"
	fi
	end loaders_of "$1" "$2"
}

# stop PROGRAM RELEASE: for good; a loader that was killed has left rings, and lines
stop() {
	halt "$1" "$2"
	unpin "$deployment/$1/$2"
	remove_instances "$1" "$2"
	rm -rf "${run:?}/$deployment/$1/$2" # tells that it is not done
}

# unpin FOLDER: remove it from bpffs, which may be open to all, unless a user made it or one before it
unpin() {
	[ -d "$pins/$1" ] || return 0
	stranger "$pins/$1"
	[ -n "$stranger" ] || rm -rf "${pins:?}/$1"
}

# argument OPTION FILE: into `value`, the value of an option in a loader's arguments; '' without it
argument() {
	before='' value=''
	while IFS= read -r line; do
		[ "$before" != "$1" ] || value=$line
		before=$line
	done <"$2"
}

# metrics_folders PROGRAM: a line each, as the arguments, the states or the unit of its releases tell
metrics_folders() {
	for args in "$root/$deployment/$1/releases"/*/args; do
		[ -f "$args" ] || continue
		argument --textfile "$args"
		[ -z "$value" ] || printf '%s\n' "$value"
	done
	for file in "$run/$deployment/$1"/*/textfile; do
		[ ! -f "$file" ] || cat "$file"
	done
	sed -n 's/^ReadWritePaths=.* -\(\/.*\)$/\1/p' "$units/fleetbpf-$deployment.$1@.service" 2>/dev/null
}

# forget_metrics PROGRAM FOLDERS: what a loader that was killed has left for node_exporter; when all
# goes, what programs have left there of which nothing else is known
forget_metrics() {
	[ -n "$2" ] || return 0
	while IFS= read -r folder; do
		[ -z "$everything" ] || rm -f "$folder"/fleetbpf-*-*.prom "$folder"/fleetbpf-*-*.prom.*.new
		rm -f "$folder/fleetbpf-$deployment-$1.prom" "$folder/fleetbpf-$deployment-$1.prom".*.new
	done <<END
$2
END
}

# stop_all PROGRAM: all its releases, those without files too
stop_all() {
	folders=$(metrics_folders "$1")
	releases_of "$1"
	for folder in "$root/$deployment/$1/releases"/*/; do
		folder=${folder%/} folder=${folder##*/}
		is_name "$folder" || continue
		case $releases in *" $folder "*) ;; *) releases="$releases$folder " ;; esac
	done
	all=$releases program=$1
	set --
	for id in $all; do set -- "$@" "$(unit "$program" "$id")"; done
	stop_units "$@"
	remove_links "$program" ''
	end loaders_of "$program" ''
	for id in $all; do
		unpin "$deployment/$program/$id"
		rm -rf "${run:?}/$deployment/$program/$id"
	done
	remove_instances "$program" ''
	forget_metrics "$program" "$folders"
}

# remove PROGRAM: its files
remove() {
	rm -rf "${root:?}/$deployment/$1" "${run:?}/$deployment/$1"
	rmdir "$run/$deployment" 2>/dev/null
	forget_deployment
	unpin "$deployment/$1"
	rmdir "$pins/$deployment" "$pins" 2>/dev/null # a user's, only if he has put nothing there
	remove_added "$1"
	rm -rf "$units/fleetbpf-$deployment.$1@.service"
	! has_systemd || reload=due
}

# forget_deployment: without a program it is nobody's
forget_deployment() {
	[ -d "$root/$deployment" ] || return 0
	for folder in "$root/$deployment"/*/; do
		[ ! -d "$folder" ] || return 0
	done
	rm -f "$root/$deployment/.manifest"
	rmdir "$root/$deployment"
} 2>/dev/null

# take_down PROGRAM: stop it, detach what its loaders may have left attached, and remove it
take_down() {
	stop_all "$1"
	for folder in "$root/$deployment/$1/releases"/*/; do
		[ ! -x "$folder/loader" ] || within 90 "$folder/loader" --args "$folder/args" --clean
	done 2>/dev/null
	current_of "$1"
	[ ! -d "$root/$deployment/$1" ] || record deleted "$1" "$current" ''
	remove "$1"
}

# --- all of a deployment, or of all ---

# each_program COMMAND WORD: have COMMAND do each of them, and say WORD of it
each_program() {
	scope=$deployment thorough=yes
	all_programs
	for each in $programs; do
		deployment=${each%/*}
		"$1" "${each#*/}"
		say "$2" "$deployment" "${each#*/}"
	done
	deployment=$scope
}

# sweep: everything of $deployment, or of all deployments and what belongs to none
sweep() {
	[ -n "$deployment" ] || everything=yes
	each_program take_down swept
	if [ -n "$deployment" ]; then
		rm -rf "${root:?}/$deployment" "${run:?}/$deployment"
		unpin "$deployment"
		return
	fi
	end nameless_loaders '' ''
	for file in "$root"/* "$root"/.[!.]*; do
		case ${file##*/} in lock | .lock.*) ;; *) rm -rf "$file" ;; esac
	done
	rm -rf "${run:?}"
	unpin ''
}
