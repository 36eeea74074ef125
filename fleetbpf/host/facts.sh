# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# shellcheck disable=SC2015,SC2154 # ours.sh sets and reads
# Print what this host is and what fleetbpf has placed on it: one fact a line, fields split by tabs.
# usage: facts.sh ROOT RUN UNITS DEPLOYMENT WISH...
#   DEPLOYMENT  "" = all of them
#   WISH        units (their text) | spools (their sizes) | sums (of running loaders too)
#               | misses (runs that the kernel skipped) | mounts (what is unfit, also where programs run)
#               | thorough (what only systemd knows, loaders under other names, instances of tracefs, folders) | clock
#               | path:FILE, event:CATEGORY/NAME, function:NAME (is it there?)
# What belongs to no placed release, or was added to one by nobody's order, is an `orphan`, of whatever
# deployment. Changes nothing. Runs in dash, busybox ash and bash. Stands behind lock.sh and ours.sh and
# before unpack.sh: when all is told, which is said by a line `end`, a line of words for that may come on
# stdin, and its payload.
set -u
newline='
'
root=$1 run=$2 units=$3 only=$4 tracefs='' answer=''
shift 4
trust_owners "$root" "$run" "$units"

# fact WORD...: a line of the answer. Each write of its own would be a packet of its own, and to have a
# subshell's output in a word would be a process more: the answer is put together here.
fact() {
	row=$1
	shift
	for word; do row="$row	$word"; done
	answer=$answer$row$newline
	[ ${#answer} -lt 30000 ] || send
}

# send: what is put together so far; a long word is slow to add to
send() {
	printf '%s' "$answer"
	answer=
}

machine() {
	fact uid "$user"
	first_line /proc/sys/kernel/osrelease
	fact kernel "$line"
	first_line /proc/sys/kernel/arch # since Linux 6.1
	fact arch "${line:-$(uname -m)}"
	first_line /proc/sys/kernel/random/boot_id
	fact boot_id "$line"
	[ -r /sys/kernel/btf/vmlinux ] && fact btf yes
	for folder in /sys/kernel/tracing /sys/kernel/debug/tracing; do
		[ -d "$folder/instances" ] && tracefs=$folder && fact tracefs "$folder" && break
	done
	[ -d /run/systemd/system ] && fact systemd yes
	command -v zstd >/dev/null && fact zstd yes
	for tool in tar gzip sha256sum mktemp readlink sed head tail wc sort; do
		command -v "$tool" >/dev/null || fact missing "$tool"
	done
	for tool in sha256sum readlink; do
		command -v "$tool" >/dev/null || return 1
	done
}

# disk: blocks, free ones and their size, where loaders are to lie; nothing when stat cannot say it
disk() {
	place=$root
	while [ ! -d "$place/" ]; do
		place=${place%/*}
	done
	size=$(stat -f -c '%b	%a	%S' "$place/") && fact disk "$size"
} 2>/dev/null

# existing FOLDER: into `place`, where it really is, or the folder above that is there; it ends in /
existing() {
	place=$1
	while [ ! -d "$place/" ]; do place=${place%/*}; done
	place=$(cd -P "$place/" && pwd) place=${place%/}/
}

# unfit: what keeps a loader from being started. Where one runs nothing does, and it is looked for on
# request alone: shells read byte by byte, and some hosts have a thousand mounts
unfit() {
	[ -n "$mounts" ] || [ -z "$runs" ] || return 0
	[ -d "${root%/*}" ] || fact unfit no-parent "${root%/*}"
	[ "$root" = "$usual" ] || [ ! -d "$usual/objects" ] || fact unfit elsewhere "$usual"
	existing "$root" && root_place=$place
	existing "$run" && run_place=$place
	existing "$units" && units_place=$place
	root_mount='' run_mount='' units_mount='' root_with='' run_with='' units_with='' bpffs=''
	# The longest mount point counts, and of one that is mounted over the last.
	while read -r _ where type with _; do
		[ "$type" != bpf ] || bpffs=yes
		case $root_place in "${where%/}"/*) [ ${#where} -lt ${#root_mount} ] || root_mount=$where root_with=,$with, ;; esac
		case $run_place in "${where%/}"/*) [ ${#where} -lt ${#run_mount} ] || run_mount=$where run_with=,$with, ;; esac
		case $units_place in "${where%/}"/*) [ ${#where} -lt ${#units_mount} ] || units_mount=$where units_with=,$with, ;; esac
	done </proc/mounts
	case $root_with in *,noexec,*) fact unfit noexec "$root_mount" ;; esac
	case $root_with in ,ro,*) fact unfit read-only "$root_mount" ;; esac
	case $run_with in ,ro,*) fact unfit read-only-run "$run_mount" ;; esac
	case $units_with in ,ro,*) [ ! -d /run/systemd/system ] || fact unfit read-only-units "$units_mount" ;; esac
	[ -n "$bpffs" ] || fact unfit no-bpffs /sys/fs/bpf
	[ -n "$tracefs" ] || fact unfit no-tracefs /sys/kernel/tracing
}

# absent WISH...: what hooks need, as far as it is not there
absent() {
	functions=
	for wish; do
		case $wish in
		path:*) [ -e "${wish#*:}" ] ;;
		event:*) [ ! -d "$tracefs/events" ] || [ -d "$tracefs/events/${wish#*:}" ] ;;
		function:*) functions="$functions ${wish#*:}" ;;
		esac || fact absent "$wish"
	done
	[ -z "$functions" ] || absent_functions
}

absent_functions() {
	set --
	for name in $functions; do set -- "$@" -e "$name"; done
	found=$(grep -w -F "$@" /proc/kallsyms 2>/dev/null)
	[ $? -le 1 ] || return 0
	for name in $functions; do
		case $found$newline in
		*" $name$newline"* | *" $name	"*) ;;
		*) fact absent "function:$name" ;;
		esac
	done
}

# first_line FILE: into `line`, without a process, as all here that can do without: a slow host
# starts few; empty when it cannot be read
first_line() {
	line=
	read -r line <"$1" || : # its end may have been torn off
} 2>/dev/null

# checksum FILE: its sha256, into `sum`; empty when it cannot be read
checksum() {
	sum=
	[ ! -r "$1" ] || sum=$(sha256sum <"$1") sum=${sum%% *}
} 2>/dev/null

# first_line_of KEY FILE WORD...: a fact that ends with a file's first line; nothing when there is none
first_line_of() {
	[ -f "$2" ] || return 0
	key=$1
	first_line "$2"
	shift 2
	fact "$key" "$@" "$line"
}

# lines FILE WORD...: a fact that ends with the lines of a file; nothing when there is none
lines() {
	[ -f "$1" ] || return 0
	file=$1
	shift
	while IFS= read -r line || [ -n "$line" ]; do
		set -- "$@" "$line"
	done <"$file"
	fact "$@"
}

# about DEPLOYMENT PROGRAM ID FILE: what a release is; if it is the current one, also what it was made
# from, on the second line
about() {
	read -r told || : # its end may have been torn off
	case $3:$told in
	"$current":*,) read -r line || : && told="$told $line" ;;
	*,) told="${told%,}}" ;;
	esac
	fact about "$1" "$2" "$3" "$told"
} <"$4"

# object_of FILE: into `object`, what a link to a loader, or a process, is; a path below objects/
object_of() {
	for object in "$root"/objects/*; do
		# shellcheck disable=SC3013 # -ef came to POSIX in 2024, and to all of our shells before
		[ "$1" -ef "$object" ] && return 0
	done
	object=$(readlink "$1") # there is no such file, or no longer
}

# release DEPLOYMENT PROGRAM FOLDER: one placed release, what its files are and whether it runs
release() {
	id=${3##*/}
	object_of "$3/loader"
	sum=${object##*/}
	unchanged "$run/$1/$2/$id/state" "$3" || checksum "$3/loader"
	fact release "$1" "$2" "$id" "${object##*/}" "$sum"
	[ -z "$spools" ] || spool "$1" "$2" "$id"
	[ "$id" = "$current" ] || [ ! -d "$run/$1/$2/$id" ] || fact remains "$1" "$2" "$id"
	[ "$id" = "$current" ] && lines "$3/args" args "$1" "$2" "$id"
	[ -f "$3/release.json" ] && about "$1" "$2" "$id" "$3/release.json"
	[ -e "$units/multi-user.target.wants/fleetbpf-$1.$2@$id.service" ] && fact enabled "$1" "$2" "$id"
	first_line_of counts "$run/$1/$2/$id/counts" "$1" "$2" "$id"
	[ -f "$3/deadline" ] && deadline "$1" "$2" "$id" "$3/deadline"
	running "$1" "$2" "$id"
}

# unchanged STATE FOLDER: is a release's loader as it was placed, by what needs no checksum? It is
# while it runs: nobody can write to a file that is executed (ETXTBSY). Linux 6.11 and 6.12 let
# people, so it must not be newer than the arguments that came with it.
unchanged() {
	[ -z "$sums" ] && [ -f "$1" ] && first_line "$1" || return 1
	pid=${line#*'"pid":'} pid=${pid%%[!0-9]*}
	# shellcheck disable=SC3013 # -ef and -nt came to POSIX in 2024, and to all of our shells before
	[ "/proc/${pid:-none}/exe" -ef "$2/loader" ] && [ ! "$2/loader" -nt "$2/args" ]
}

# spool DEPLOYMENT PROGRAM ID: the bytes that a release's segments have
spool() {
	bytes=0
	for segment in "$root/$1/$2/spool/$3"/*.log; do
		[ -f "$segment" ] && bytes=$((bytes + $(wc -c <"$segment")))
	done
	fact spool "$1" "$2" "$3" "$bytes"
}

# deadline DEPLOYMENT PROGRAM ID FILE: when it ends by itself, and this host's clocks now
deadline() {
	first_line "$4"
	ends=$line
	first_line /proc/uptime
	fact deadline "$1" "$2" "$3" "$ends" "$(date +%s)" "$line"
}

# running DEPLOYMENT PROGRAM ID: the state the loader wrote, if the process that wrote it is alive
running() {
	state=$run/$1/$2/$3/state
	if [ ! -f "$state" ]; then
		first_line_of failure "${state%state}failure" "$1" "$2" "$3"
		return 0
	fi
	first_line "$state"
	pid=${line#*'"pid":'} pid=${pid%%[!0-9]*}
	object_of "/proc/${pid:-none}/exe" || return 0
	[ "${object#"$root/objects/"}" != "$object" ] || return 0
	runs=yes
	known="$known$pid "
	know supervisor
	fact running "$1" "$2" "$3" "${object##*/}" "$line"
	first_line "/proc/$pid/stat"
	case ${line##*) } in T*) fact paused "$1" "$2" "$3" "$pid" ;; esac
	[ -z "$misses" ] || missed "$1" "$2" "$3" "$pid"
}

# know KEY: the process that a state, which is in `line`, has under that key
know() {
	case $line in *'"'"$1"'":'[1-9]*) ;; *) return 0 ;; esac
	number=${line#*'"'"$1"'":'}
	known="$known${number%%[!0-9]*} "
}

# missed DEPLOYMENT PROGRAM ID PID: how often the kernel did not run its programs, as one ran there
# already; since Linux 5.12
missed() {
	each=$(sed -n 's/^recursion_misses:[^0-9]*/+/p' "/proc/$4/fdinfo"/*)
	fact missed "$1" "$2" "$3" "$((0$each))"
} 2>/dev/null

program() {
	current_of "$2"
	unit=$units/fleetbpf-$1.$2@.service
	checksum "$unit"
	fact program "$1" "$2" "$current" "$sum"
	[ -z "$texts" ] || lines "$unit" unit "$1" "$2"
	left_spools "$1" "$2"
	set -- "$1" "$2" "$root/$1/$2/releases"/*
	if [ $# -eq 3 ]; then
		[ ! -d "$3" ] || release "$@"
		return
	fi
	# Oldest first. The names are release ids, so ls prints them as they are.
	# shellcheck disable=SC2012,SC2045
	for id in $(ls -1tr "$root/$1/$2/releases"); do
		release "$1" "$2" "$root/$1/$2/releases/$id"
	done
}

# all WISH...: every fact
all() {
	fact fleetbpf facts
	machine || return 0
	[ -z "$clock" ] || fact clock "$(date +%s)"
	[ -d "$root/lock" ] && fact lock "$(tell_lock)"
	first_line_of changed "$root/changed"
	disk
	absent "$@"
	for file in "$root"/*/.manifest; do
		deployment=${file%/*} deployment=${deployment##*/}
		[ -z "$only" ] || [ "$only" = "$deployment" ] || continue
		first_line_of manifest "$file" "$deployment"
	done
	for folder in "$root"/objects/*; do
		[ -f "$folder" ] && fact object "${folder##*/}"
	done
	for folder in "$root"/*/*/; do
		folder=${folder%/} name=${folder##*/} parent=${folder%/*}
		deployment=${parent##*/}
		if [ ! -d "$folder/releases" ]; then
			left_files
		elif [ -z "$only" ] || [ "$only" = "$deployment" ]; then
			program "$deployment" "$name"
		else
			others
		fi
	done
	unfit
	signs
	if [ -n "$thorough" ]; then
		find_instances
		folders
	fi
}

# left_files: of a program without releases, in $folder
left_files() {
	case $deployment in objects | lock) return 0 ;; esac
	is_name "$deployment" && is_name "$name" || return 0
	current_of "$name"
	is_name "$current" || current=''
	found files "$deployment" "$name" "$current" "$folder"
	left_spools "$deployment" "$name"
}

# left_spools DEPLOYMENT PROGRAM: records of releases that are not there any more
left_spools() {
	for place in "$root/$1/$2/spool"/*/; do
		place=${place%/} id=${place##*/}
		[ ! -d "$place" ] || ! is_name "$id" || found spool "$1" "$2" "$id" "$place"
	done
}

# others: loaders of a deployment that nobody asked for; it may look after them itself
others() {
	for file in "$run/$deployment/$name"/*/state; do
		[ -f "$file" ] && first_line "$file" || continue
		know pid
		know supervisor
	done
}

# found KIND DEPLOYMENT PROGRAM RELEASE WHAT: what ours.sh finds; told if it is no part of a release
found() {
	# What was added to releases of others, they may look after themselves.
	[ "$2" = "${only:-$2}" ] || ! is_placed "$2" "$3" "${4:-.}" || return 0
	case $1 in
	process | drop-in) ;;
	enabled) ! is_placed "$2" "$3" "$4" || [ "${5%/*}" != "$units/multi-user.target.wants" ] || return 0 ;;
	unit) [ ! -d "$root/$2/$3/releases" ] || [ "${5%/*}" != "$units" ] || return 0 ;;
	pin) ! is_placed "$2" "$3" "${4:-.}" || return 0 ;; # those of maps are of all releases
	*) ! is_placed "$2" "$3" "$4" || return 0 ;;
	esac
	fact orphan "$@"
}

is_placed() { [ -n "$3" ] && [ -d "$root/$1/$2/releases/$3" ]; }

# folders: where something is, whatever it is, unless somebody is at work
folders() {
	lock_owner "$root/lock"
	[ ! -e "$owner" ] || is_dead "$owner" || return 0
	for place in "$root" "$run" "$pins"; do
		own "$place" || continue
		fact orphan folder '' '' '' "$place"
		for folder in "$place"/*/; do
			folder=${folder%/} deployment=${folder##*/}
			[ "$deployment" = objects ] || ! own "$folder" || ! is_name "$deployment" ||
				fact orphan folder "$deployment" '' '' "$folder"
		done
	done
}

texts='' spools='' sums='' misses='' mounts='' clock='' runs='' usual=/var/lib/fleetbpf
for wish; do
	case $wish in
	units) texts=yes ;;
	spools) spools=yes ;;
	sums) sums=yes ;;
	misses) misses=yes ;;
	mounts) mounts=yes ;;
	thorough) thorough=yes ;;
	clock) clock=yes ;;
	esac
done
all "$@"
answer="${answer}end$newline"
send
IFS= read -r words || exit 0
eval "set -- $words"
