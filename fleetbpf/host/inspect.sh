# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Run the inspector that comes on stdin, compressed: one JSON line for each BPF program in the kernel.
# usage: inspect.sh ROOT < inspector.gz
# Leaves nothing behind.
set -u
trust "$1"
echo 'fleetbpf	inspect'
# roomy FOLDER: is there room for the inspector?
roomy() {
	df -Pk "$1" 2>/dev/null | {
		read -r _ && read -r _ _ _ free _ && [ "$free" -ge 4096 ]
	}
}

# place FOLDER: into `file`, the name of a new one there, which goes at the end
place() { file=$(mktemp "$1/.fleetbpf-inspector.XXXXXX") && files="$files $file" && chmod 0700 "$file"; }

files=''
# shellcheck disable=SC2086,SC2317
leave() {
	rm -f $files
	ended "$1"
}
trap 'leave $?' EXIT
trap 'exit 1' HUP INT TERM PIPE
# Beside ROOT, because /tmp and /run may be noexec; where that is, or is full, in one of the others.
beside=$(dirname "$1") chosen=
for folder in "$beside" /dev/shm /run; do
	roomy "$folder" && chosen=$folder && break
done
place "${chosen:-$beside}" && gzip -dc >"$file" || exit 1
first=$file status=126
for folder in '' /run /dev/shm; do
	[ "$status" = 126 ] || break
	[ -z "$folder" ] || { place "$folder" && cat "$first" >"$file"; } || continue
	"$file"
	status=$?
done
[ "$status" != 126 ] || echo "fleetbpf: nothing can be executed in ${first%/*}, /run and /dev/shm" >&2
exit "$status"
