# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154 # ours.sh and ending.sh read and set what is set and read here
# Bring programs of one deployment to their new releases; say each step as tab-separated lines.
# usage: activate.sh ROOT RUN UNITS DEPLOYMENT WHO WHY WAIT RULES SEEN MANIFEST {ACTION PROGRAM WAS RELEASE OBJECT}... < payload.tar.gz
#   WHO, WHY told to others while the host is locked; WAIT: seconds, while others have locked it
#   RULES    SOAK:MAX_LOST:MIN_RECORDS:MAX_RESTARTS:MAX_CPU, what a new release must keep to for SOAK
#            seconds before WAS stops; SOAK 0 = it is not judged, else "" = no such rule
#   SEEN     who changed the host last when the plan was made; nothing is done when it was another one
#            since, which is said by `late`. - = whoever
#   MANIFEST a line on whose the deployment is from now on; "" = as it was
#   ACTION   start (place and start RELEASE, then stop WAS) | stop (the program, its files stay)
#            | restore (start RELEASE, which is placed already, then stop WAS)
#            | delete (stop and remove the program) | prune (remove RELEASE, an old one)
#            | retire (end RELEASE, of which something is left beside WAS; its files stay)
#            | halt (stop all programs) | sweep (stop all, and remove everything): of DEPLOYMENT, or
#            where that is "" of all; PROGRAM and what follows are ""
#   WAS      the release the plan saw as current, "" for none
#   payload  objects/SHA256, PROGRAM/RELEASE/{args,release.json,loader}, with systemd unit as well
# The new release runs, is ready and healthy before the old one stops; else the old one goes on.
# Once it has the lock the script finishes its work even if the link is cut. Stands behind lock.sh,
# ours.sh and ending.sh, and comes with them in the payload (unpack.sh), which lies in $stage already.
set -u
root=$1 run=$2 units=$3 deployment=$4 who=$5 why=$6 wait=$7 rules=$8 seen=$9
shift 9
manifest=$1
shift
IFS=: read -r soak max_lost min_records max_restarts max_cpu <<END
$rules
END

# say WORD...: one line, by one write
say() {
	row=$1
	shift
	for word; do row="$row	$word"; done
	printf '%s\n' "$row"
} 2>/dev/null

# lines KEY PROGRAM: the lines on stdin, each with the key in front
lines() {
	while IFS= read -r line || [ -n "$line" ]; do
		say "$1" "$2" "$line"
	done
}

# file_lines KEY PROGRAM FILE: the same of a file, if there is one
file_lines() {
	[ ! -f "$3" ] || lines "$1" "$2" <"$3"
}

# has_any FILE...: is there the first of them? For a pattern, which stays as it is without any
has_any() { [ -e "$1" ]; }

# --- starting and stopping, with systemd and without ---

# place_unit PROGRAM FILE: install FILE as the unit, unless the same one is there
place_unit() {
	file=$units/fleetbpf-$deployment.$1@.service
	cmp -s "$2" "$file" && return 0
	cp "$2" "$file.new" && chmod 0644 "$file.new" && mv -f "$file.new" "$file" && reload=due
}

# place_units {ACTION PROGRAM WAS RELEASE OBJECT}...: the units of all that will start, so that one
# reload does for all; what cannot be placed is tried again, and told, when its program's turn comes
place_units() {
	while [ $# -ge 5 ]; do
		if [ "$1" = start ] && is_current "$2" "$3"; then
			# shellcheck disable=SC2154 # unpack.sh has set it
			place_unit "$2" "$stage/$2/$4/unit" 2>/dev/null
		fi
		shift 5
	done
}

start() {
	remove_added "$1" # first: what it calls has variables of the same names
	folder=$root/$deployment/$1/releases/$2 spool=$root/$deployment/$1/spool/$2 state=$run/$deployment/$1/$2
	{ [ -d "$spool" ] && [ -d "$state" ]; } || mkdir -p "$spool" "$state"
	[ ! -e "$state/tries" ] || rm -f "$state/tries" # it was given up, perhaps
	argument --textfile "$folder/args"
	[ -z "$value" ] || printf '%s\n' "$value" >"$state/textfile" # for when the files are gone
	if has_systemd; then
		place_unit "$1" "$folder/unit" && reload_units && within 240 systemctl restart "$(unit "$1" "$2")" 2>"$stage/stderr"
	else
		"$folder/loader" --args "$folder/args" --supervise </dev/null >/dev/null 2>"$stage/stderr"
	fi
}

# ours PID: is it a loader of ours? (its number may have gone to another process since)
ours() {
	case $(readlink "/proc/$1/exe") in "$root/objects/"*) return 0 ;; esac
	return 1
}

# number KEY FILE: a number in a file of JSON; 0 where there is none
number() {
	found=$(sed -n "s/.*\"$1\": *\\([0-9]*\\).*/\\1/p" "$2" 2>/dev/null)
	echo "${found:-0}"
}

# --- one program ---

# place PROGRAM RELEASE OBJECT: the release's files, complete or not at all
place() {
	folder=$root/$deployment/$1/releases/$2 files=$stage/$1/$2 object=$stage/objects/$3
	mkdir -p "$root/objects" "${folder%/*}" "$root/$deployment/$1/spool/$2" "$run/$deployment/$1/$2" || return 1
	within 120 sync "$files"/* "$object" 2>/dev/null # before they have their names: a power cut must not leave empty files there
	[ ! -f "$object" ] || mv -f "$object" "$root/objects/$3" || return 1
	take_away "$folder" && mv -T "$files" "$folder"
}

# take_away FOLDER: a release goes whole or not at all; what a power cut leaves, `begin` removes
take_away() {
	[ -e "$1" ] || [ -h "$1" ] || return 0
	mv -T "$1" "${1%/*}/.${1##*/}" && rm -rf "${1%/*}/.${1##*/}"
}

switch() {
	link=$root/$deployment/$1/current
	if [ -e "$link" ] && [ ! -h "$link" ]; then rm -rf "$link"; fi
	if [ -h "$link" ]; then
		ln -s "releases/$2" "$link.$$" && mv -fT "$link.$$" "$link" || return 1
	else
		ln -s "releases/$2" "$link" || return 1
	fi
	enable_unit "$1" "$2"
}

enable_unit() {
	! has_systemd || within 60 systemctl --quiet --no-reload enable "$(unit "$1" "$2")" 2>/dev/null
}

# failed PROGRAM WAS RELEASE STAGE [REPLACED]: say why the release does not stay and take it away
failed() {
	state=$run/$deployment/$1/$3
	file_lines failure "$1" "$state/failure"
	file_lines verifier "$1" "$state/verifier.log"
	file_lines stderr "$1" "$stage/stderr"
	if has_systemd && [ "$4" != health ] && [ ! -f "$state/failure" ]; then
		within 30 journalctl --quiet --no-pager -n 20 -o cat -u "$(unit "$1" "$3")" 2>/dev/null | lines stderr "$1"
	fi
	said=$(sed -n 's/.*"message": *"\([^"]*\).*/\1/p' "$state/failure" 2>/dev/null)
	record failed "$1" "$2" "$3" "${said:-at: $4}"
	replaced=${5:-$(number replaced "$state/state")}
	stop "$1" "$3"
	put_back "$1" "$2" "$replaced"
	say failed "$1" "$4"
}

# put_back PROGRAM WAS REPLACED: the old release has its unit again, and the hooks it had to leave
put_back() {
	[ -n "$2" ] && [ -d "$root/$deployment/$1/releases/$2" ] || return 0
	if [ "$3" != 0 ]; then
		halt "$1" "$2"
		start "$1" "$2" || say stderr "$1" "release $2 could not be started again"
		enable_unit "$1" "$2"
	elif has_systemd; then
		place_unit "$1" "$root/$deployment/$1/releases/$2/unit"
	fi
}

# grant FOLDER: how long the release in it may run, from now on, by the wall's clock and by this boot's
grant() {
	[ ! -e "$1/deadline" ] || rm -f "$1/deadline"
	argument --expires "$1/args" && [ -n "$value" ] || return 0
	clock
	read -r boot </proc/sys/kernel/random/boot_id
	echo "$((now + value)) $boot $((${up%.*} + value))" >"$1/deadline"
}

# bring_up PROGRAM WAS RELEASE OBJECT: start a release beside the old one; OBJECT "": it is placed
bring_up() {
	releases_of "$1" # before there is a folder of the new one
	# Not into a file: on a full disk it would stay empty.
	if [ -n "$4" ] && ! said=$(place "$1" "$3" "$4" 2>&1); then
		echo "$said" | lines stderr "$1"
		failed "$1" "$2" "$3" place
		[ "$2" = "$3" ] || forget "$1" "$3"
		return 1
	fi
	# It may run already: as the current release, or left behind, even without its files.
	case $releases in *" $3 "*) halt "$1" "$3" ;; esac
	grant "$root/$deployment/$1/releases/$3" && { start "$1" "$3" || start_alone "$1" "$3"; } && return 0
	failed "$1" "$2" "$3" start
	[ -z "$4" ] || [ "$2" = "$3" ] || forget "$1" "$3"
	return 1
}

# start_alone PROGRAM RELEASE: once more, where its hook is busy and loaders without files run that
# may be what holds it; a release that has its files is not stopped for it
start_alone() {
	[ "$(number errno "$run/$deployment/$1/$2/failure")" = 16 ] || return 1 # EBUSY
	alone=no
	for id in $releases; do
		[ "$id" = "$2" ] || [ -d "$root/$deployment/$1/releases/$id" ] || { stop "$1" "$id" && alone=yes; }
	done
	[ "$alone" = yes ] && start "$1" "$2"
}

# stop_others PROGRAM RELEASE: all that has left anything but its files
stop_others() {
	releases_of "$1"
	all=$releases
	for id in $all; do
		[ "$id" = "$2" ] || stop "$1" "$id"
	done
}

# settle_on_disk PROGRAM: a power cut from now on leaves the new release current, and enabled at
# boot; without systemd nothing runs after one
settle_on_disk() {
	! has_systemd || within 120 sync "$root/objects" "$root/$deployment/$1/releases" "$root/$deployment/$1" \
		"$units/fleetbpf-$deployment.$1@.service" "$units/multi-user.target.wants" "$units"
} 2>/dev/null

# hand_over PROGRAM WAS RELEASE OUTCOME: the release that was brought up becomes the current one
hand_over() {
	if ! switch "$1" "$3"; then
		failed "$1" "$2" "$3" switch
		return 1
	fi
	settle_on_disk "$1"
	record "$4" "$1" "$2" "$3"
	stop_others "$1" "$3"
	line='' # a loader that has died since may have left none
	{ read -r line <"$run/$deployment/$1/$3/state"; } 2>/dev/null
	say started "$1" "$3" "$line"
}

# --- soaking: old and new run side by side, and the new one is judged by what it did ---

# figures PROGRAM RELEASE: WRITTEN:LOST:KILLED:TICKS:PID:REPLACED of its loader so far; a tick is 10 ms
figures() {
	state=$run/$deployment/$1/$2 sum=0
	for place in kernel limit loader spool; do
		sum=$((sum + $(number "$place" "$state/counts")))
	done
	pid=$(number pid "$state/state")
	used=$(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null | cut -d ' ' -f 12,13)
	used=${used:-0 0}
	echo "$(number written "$state/counts"):$sum:$(number killed "$state/counts"):$((${used% *} + ${used#* })):$pid:$(number replaced "$state/state")"
}

# begun PROGRAM RELEASE EARLIER: its figures at its start, which are 0 unless it has an EARLIER spool,
# whose counts it goes on with; what it did before we could look counts as well
begun() {
	now=$(figures "$1" "$2")
	[ -n "$3" ] || now=0:0:0:${now#*:*:*:}
	echo "$now"
}

# verdict WRITTEN LOST RESTARTS TICKS PID: which rule is broken; nothing when it is healthy
verdict() {
	if ! ours "$5"; then
		echo "it does not run after $soak s"
	elif [ "$3" -gt "$max_restarts" ]; then
		echo "restarts: $3 in $soak s, max_restarts is $max_restarts"
	elif [ "$2" -gt "${max_lost:-$2}" ]; then
		echo "records lost: $2 in $soak s, max_lost is $max_lost"
	elif [ "$1" -lt "${min_records:-0}" ]; then
		echo "records written: $1 in $soak s, min_records is $min_records"
	elif [ "$4" -gt $((${max_cpu:-$4} * soak)) ]; then
		echo "$(($4 / soak)).$(($4 * 10 / soak % 10)) % of a CPU used in $soak s, max_cpu is $max_cpu%"
	fi
}

# judge PROGRAM RELEASE FIGURES: say what is wrong with what it did since; succeeds when nothing is
judge() {
	IFS=: read -r written lost killed ticks was_pid replaced now_written now_lost now_killed now_ticks pid _ <<END
$3:$(figures "$1" "$2")
END
	[ "$pid" = "$was_pid" ] || ticks=0
	said=$(verdict $((now_written - written)) $((now_lost - lost)) $((now_killed - killed)) $((now_ticks - ticks)) "$pid")
	[ -n "$said" ] || return 0
	echo "{\"stage\":\"health\",\"message\":\"health: $said\"}" >"$run/$deployment/$1/$2/failure"
	return 1
}

# settle PROGRAM:WAS:RELEASE:FIGURES: keep a release that has soaked, or take it away
settle() {
	IFS=: read -r program was release figures <<END
$1
END
	if judge "$program" "$release" "$figures"; then
		hand_over "$program" "$was" "$release" ready
	else
		failed "$program" "$was" "$release" health "$replaced" # its files and records stay, to look at
		return 1
	fi
}

# --- history: a line for each program and what became of it ---

# record OUTCOME PROGRAM FROM TO [WHY]: on a full disk there is none, and nothing stops for it
record() {
	about='' key=''
	read -r about <"$root/$deployment/$2/releases/${4:-$3}/release.json"
	case $about in *'"build_key": "'*) key=${about#*'"build_key": "'} key=${key%%'"'*} ;; esac
	clock
	printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$now" "$who" "$deployment" "$2" "$1" "$3" "$4" "$key" \
		"${5-}" >>"$root/history"
} 2>/dev/null

# tidy_history: end a line that was torn, and keep the newest ones
tidy_history() {
	[ -f "$root/history" ] || return 0
	[ -z "$(tail -c 1 "$root/history")" ] || echo >>"$root/history"
	[ "$(wc -l <"$root/history")" -le 1000 ] ||
		{ tail -n 500 "$root/history" >"$root/history.new" && mv -f "$root/history.new" "$root/history"; }
} 2>/dev/null

# forget PROGRAM RELEASE: remove a release that never ran, and the folders it alone was in
forget() {
	take_away "$root/$deployment/$1/releases/$2"
	rm -rf "${root:?}/$deployment/$1/spool/$2"
	if [ ! -e "$root/$deployment/$1/current" ]; then
		remove "$1"
	fi
}

# note_manifest: whose the deployment is; on a full disk that is told by the next apply
note_manifest() {
	file=$root/$deployment/.manifest line=''
	[ ! -f "$file" ] || read -r line <"$file" || :
	[ -n "$manifest" ] && [ "$line" != "$manifest" ] || return 0
	[ -d "$root/$deployment" ] || mkdir -p "$root/$deployment"
	printf '%s\n' "$manifest" >"$file.new" && mv -f "$file.new" "$file"
} 2>/dev/null

prune() {
	take_away "$root/$deployment/$1/releases/$2"
	rm -rf "${root:?}/$deployment/$1/spool/$2"
	say pruned "$1" "$2"
}

# is_used OBJECT: does a release refer to it?
# shellcheck disable=SC2317,SC3013 # -ef came to POSIX in 2024, and to all of our shells before
is_used() {
	for link in "$root"/*/*/releases/*/loader; do
		[ "$link" -ef "$1" ] && return 0
	done
	return 1
}

# has_pins FOLDER: is anything in that bpffs, but for what the kernel itself puts there?
# shellcheck disable=SC2317
has_pins() {
	for pin in "$1"/*; do
		case ${pin##*/} in '*' | *.debug) ;; *) return 0 ;; esac
	done
	return 1
}

# unmount: what loaders have mounted, by our name, where nobody had; what others have pinned stays
# shellcheck disable=SC2317
unmount() {
	set --
	while read -r source where type _; do
		case $source:$type in
		fleetbpf:tracefs) set -- "$@" "$where" ;;
		fleetbpf:bpf) has_pins "$where" || set -- "$@" "$where" ;;
		esac
	done </proc/mounts
	for where; do umount "$where"; done
} 2>/dev/null

# finish STATUS: called by the EXIT trap, on every way out
# shellcheck disable=SC2317
finish() {
	ends=$1
	reload_units
	forget_deployment
	for object in "$root"/objects/*; do
		[ -f "$object" ] && ! is_used "$object" && rm -f "$object"
	done
	set -- "$root"/*/*/releases
	if [ ! -e "$1" ]; then
		rm -f "$root/history" "$root/changed" # they go with the last deployment
		rmdir "$root"/* "$run"/*/* "$run"/* "$run" 2>/dev/null
		unmount
	fi
	give_lock_up
	rmdir "$root" 2>/dev/null # when nothing is left
	ended "$ends"
}

# begin: lock the host, and tidy up
begin() {
	take_lock "$who" "$why" "$wait" || return 1
	trap '' HUP PIPE
	trap 'finish $?' EXIT
	trap 'exit 1' INT TERM
	# What scripts that were killed have left; nobody else has the lock.
	for left in "$root"/*/*/current.* "$root"/*/*/releases/.[!.]* "$root"/*/.manifest.new "$units"/fleetbpf-*.new; do
		if [ -e "$left" ] || [ -h "$left" ]; then rm -rf "$left"; fi
	done
	tidy_history || : # on a full disk
}

# is_current PROGRAM WAS: is it still as the plan saw it? All of a deployment is always
is_current() {
	current_of "$1"
	[ "$current" = "$2" ] || [ -z "$1" ]
}

soaking='' up=''
begin || exit 1
last_change
# shellcheck disable=SC2154 # lock.sh has set it
if [ "$seen" != - ] && [ "$seen" != "$before" ]; then
	say late "$before"
	exit 1
fi
note_change || :
# shellcheck disable=SC2154 # lock.sh has set it
say arrived "$changed"
note_manifest
has_systemd && place_units "$@"
status=0
while [ $# -ge 5 ]; do
	if ! is_current "$2" "$3"; then
		say moved "$2" "$current"
		status=1
	else
		case $1 in
		prune) prune "$2" "$4" ;;
		retire) stop "$2" "$4" && say retired "$2" "$4" ;;
		stop) stop_all "$2" && say stopped "$2" ;;
		delete) stop_all "$2" && take_down "$2" && say deleted "$2" ;;
		halt) halt_all && each_program say_done halted ;;
		sweep) sweep ;;
		restore)
			if ! bring_up "$2" "$3" "$4" "" || ! hand_over "$2" "$3" "$4" "rolled back"; then
				status=1
			fi
			;;
		start)
			earlier=''
			! has_any "$root/$deployment/$2/spool/$4"/* || earlier=yes
			if ! bring_up "$2" "$3" "$4" "$5"; then
				status=1
			elif [ "$soak" -gt 0 ] && [ "$3" != "$4" ]; then
				soaking="$soaking $2:$3:$4:$(begun "$2" "$4" "$earlier")"
			else
				hand_over "$2" "$3" "$4" ready || status=1
			fi
			;;
		esac
	fi
	shift 5
done
[ -z "$soaking" ] || sleep "$soak"
for each in $soaking; do
	settle "$each" || status=1
done
exit "$status"
