# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# shellcheck disable=SC2015,SC2034,SC2154 # who calls sets root, run, units and deployment, others the rest
# Ending what is ours, from whatever state it is in: for the script that this stands before. It needs
# lock.sh and ours.sh, and what it changes is told by nobody's word: it looks each time.
reload='' # or due: systemd has to read units anew
timed=''
judged='' judgement='' # a folder, and who may change it
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
	all)
		note_program "$2" "$3" || return 0
		[ "$1" != active ] || active="$active $5"
		return
		;;
	meant) is_name "$2" && [ "$2" = "${deployment:-$2}" ] && pids="$pids $5" ;;
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

# note_program DEPLOYMENT PROGRAM: into `programs`, once; fails if it is not of those that are meant
note_program() {
	is_name "$1" && is_name "$2" && [ "$1" = "${deployment:-$1}" ] || return 1
	case $programs in *" $1/$2 "*) ;; *) programs="$programs$1/$2 " ;; esac
}

# remove_file PATH: of systemd's, or a folder of drop-ins, unless somebody else may change where it is
remove_file() {
	stranger "${1%/*}"
	[ -n "$stranger" ] || { rm -rf "$1" && reload=due; }
}

# remove_link PATH: one of those that enable a unit; no reload for it, which takes seconds
remove_link() {
	[ "${1%/*}" = "$judged" ] || { stranger "${1%/*}" && judged=${1%/*} judgement=$stranger; }
	[ -n "$judgement" ] || rm -f "$1"
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

# meant_loaders: into `pids`, those of $deployment, or of all; fails when none runs
meant_loaders() {
	looking_for=meant program='' pids='' wanted=''
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

# all_programs: into `programs`, DEPLOYMENT/PROGRAM of all that there is of $deployment, or of all; into
# `active`, their units that are not at rest
all_programs() {
	looking_for=all programs=' ' active='' wanted=''
	for place in "$root" "$run" "$pins"; do
		[ "$place" != "$pins" ] || own "$pins" || continue
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
	own "$pins" && [ -d "$pins/$1" ] || return 0
	stranger "$pins/$1"
	[ -n "$stranger" ] || rm -rf "${pins:?}/$1"
}

# unpin_releases PROGRAM: all that is pinned for its releases; what is for its maps stays
unpin_releases() {
	own "$pins" || return 0
	for folder in "$pins/$deployment/$1"/*/; do
		folder=${folder%/} folder=${folder##*/}
		case $folder in maps) ;; *) ! is_name "$folder" || unpin "$deployment/$1/$folder" ;; esac
	done
}

# argument OPTION FILE: into `value`, the value of an option in a loader's arguments; '' without it
argument() {
	before='' value=''
	while IFS= read -r line; do
		[ "$before" != "$1" ] || value=$line
		before=$line
	done <"$2"
}

# metrics_folders PROGRAM: add to `folders`, a line each, what the arguments, the states or the unit of
# its releases tell
metrics_folders() {
	for file in "$root/$deployment/$1/releases"/*/args; do
		[ -f "$file" ] || continue
		argument --textfile "$file"
		note_folder "$value"
	done
	for file in "$run/$deployment/$1"/*/textfile; do
		[ -f "$file" ] || continue
		line=''
		read -r line <"$file" || : # its end may be missing
		note_folder "$line"
	done
	[ -f "$units/fleetbpf-$deployment.$1@.service" ] || return 0
	while read -r line; do
		case $line in 'ReadWritePaths='*' -/'*) note_folder "/${line##*' -/'}" ;; esac
	done <"$units/fleetbpf-$deployment.$1@.service"
}

# note_folder FOLDER: into `folders`, once
note_folder() {
	case "
$folders" in *"
$1
"*) ;; *) [ -z "$1" ] || folders="$folders$1
" ;; esac
}

# forget_metrics PROGRAM: what a loader that was killed has left for node_exporter in `folders`; when
# all goes, what programs have left there of which nothing else is known
forget_metrics() {
	[ -n "$folders" ] || return 0
	while IFS= read -r folder; do
		[ -n "$folder" ] || continue
		[ -z "$everything" ] || rm -f "$folder"/fleetbpf-*-*.prom "$folder"/fleetbpf-*-*.prom.*.new
		rm -f "$folder/fleetbpf-$deployment-$1.prom" "$folder/fleetbpf-$deployment-$1.prom".*.new
	done <<END
$folders
END
}

# stop_all PROGRAM: all its releases, those without files too
stop_all() {
	folders=''
	metrics_folders "$1"
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
	end loaders_of "$program" ''
	clear_away "$program"
}

# clear_away PROGRAM: what its loaders, which have all ended, have left, but for its files
clear_away() {
	remove_links "$1" ''
	unpin_releases "$1"
	for folder in "$run/$deployment/$1"/*; do
		[ ! -e "$folder" ] || { rm -rf "${run:?}/$deployment/$1"/* && break; }
	done
	remove_instances "$1" ''
	forget_metrics "$1"
}

# remove PROGRAM: its files
remove() {
	rm -rf "${root:?}/$deployment/$1" "${run:?}/$deployment/$1"
	rmdir "$run/$deployment" 2>/dev/null
	forget_deployment
	unpin "$deployment/$1"
	! own "$pins" || rmdir "$pins/$deployment" "$pins" 2>/dev/null
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

# take_down PROGRAM: detach what its loaders, which have ended, may have left attached, and remove it
take_down() {
	for folder in "$root/$deployment/$1/releases"/*/; do
		[ ! -x "$folder/loader" ] || within 90 "$folder/loader" --args "$folder/args" --clean
	done 2>/dev/null
	current_of "$1"
	[ ! -d "$root/$deployment/$1" ] || record deleted "$1" "$current" ''
	remove "$1"
}

# --- all of a deployment, or of all ---

# each_program COMMAND...: have COMMAND do each of `programs`
each_program() {
	scope=$deployment
	for each in $programs; do
		deployment=${each%/*}
		"$@" "${each#*/}"
	done
	deployment=$scope
}

# say_done WORD PROGRAM
say_done() { say "$1" "$deployment" "$2"; }

# halt_all: all programs of $deployment, or of all, at once, as one after the other takes its time
halt_all() {
	thorough=yes folders=''
	all_programs
	each_program metrics_folders
	# shellcheck disable=SC2086 # units have no spaces
	stop_units $active
	end meant_loaders '' ''
	each_program clear_away
}

# sweep: everything of $deployment, or of all deployments and what belongs to none
sweep() {
	[ -n "$deployment" ] || everything=yes
	halt_all
	each_program take_down
	if [ -n "$deployment" ]; then
		rm -rf "${root:?}/$deployment" "${run:?}/$deployment"
		unpin "$deployment"
	else
		end nameless_loaders '' ''
		for file in "$root"/* "$root"/.[!.]*; do
			case ${file##*/} in lock | .lock.*) ;; *) rm -rf "$file" ;; esac
		done
		rm -rf "${run:?}"
		unpin ''
	fi
	each_program say_done swept
}
