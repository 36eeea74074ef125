# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Send what the spool has beyond what the caller has already.
# usage: collect.sh ROOT DEPLOYMENT INTERVAL    (DEPLOYMENT "" = all of them)
# stdin: what the caller has, PATH=OFFSET:SHA256, split by spaces
#   INTERVAL  seconds between passes; 0 = one pass
#   PATH      deployment/program/release/segment.log; SHA256 of the segment's header line
# For each segment a line `segment<TAB>PATH<TAB>OFFSET<TAB>SIZE`, then exactly SIZE bytes.
# Before them a line `clock<TAB>SECONDS`, what time it is here.
# OFFSET is 0 where the header differs from the caller's, or a segment was gone in the pass before:
# another spool of the same name.
# Ends when the caller goes away (SIGPIPE); `idle` every pass keeps that noticeable.
set -u
root=$1 only=$2 interval=$3
trust "$root"
have=" $(cat) "

# The segment is open as descriptor 3 in what follows: it may be rotated away at any moment, and its
# bytes must still be all there once its size has been announced.

# offset PATH: from where to send on
offset() {
	case $have in *" $1="*) ;; *) echo 0 && return ;; esac
	known=${have#* "$1"=} known=${known%% *}
	header=${known#*:}
	[ -z "$header" ] || [ "$header" = "$(head -n 1 /proc/self/fd/3 | sha256sum | cut -c 1-64)" ] || known=0
	echo "${known%%:*}"
}

send() {
	from=$(offset "$1")
	size=$(wc -c </proc/self/fd/3)
	[ "$size" -gt "$from" ] || size=$from # also where a power cut has taken what the caller has
	seen=" $1=$size:$seen"
	[ "$size" -gt "$from" ] || return 0
	printf 'segment\t%s\t%d\t%d\n' "$1" "$from" "$((size - from))"
	tail -c "+$((from + 1))" /proc/self/fd/3 | head -c "$((size - from))"
}

printf 'fleetbpf\tcollect\nclock\t%d\n' "$(date +%s)"
while :; do
	seen=' '
	for file in "$root"/*/*/spool/*/*.log; do
		[ -f "$file" ] || continue
		name=${file#"$root/"}
		deployment=${name%%/*}
		[ -z "$only" ] || [ "$only" = "$deployment" ] || continue
		send "${name%%/spool/*}/${name#*/spool/}" 3<"$file"
	done
	[ "$interval" = 0 ] && exit 0
	have=$seen # without what has gone meanwhile: what comes by its name is another one
	printf 'idle\n' || exit 0
	sleep "$interval"
done
