# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Have this kernel judge loaders without attaching them; say each verdict as tab-separated lines.
# usage: check.sh ROOT {PROGRAM OBJECT}... < payload.tar.gz
#   payload  objects/SHA256, PROGRAM/args, perhaps PROGRAM/kernel.btf; args name files from there
# Leaves nothing behind. Runs in dash, busybox ash and bash.
set -u
umask 077
trust "$1"

# file_lines KEY PROGRAM FILE: the lines of a file, if there is one, with the key in front
file_lines() {
	[ -f "$3" ] || return 0
	while IFS= read -r line || [ -n "$line" ]; do
		printf '%s\t%s\t%s\n' "$1" "$2" "$line"
	done <"$3"
}

judge() {
	if "objects/$2" --args "$1/args" >/dev/null 2>"$1/stderr" </dev/null; then
		printf 'passed\t%s\n' "$1"
		return
	fi
	file_lines failure "$1" "$1/run/failure"
	file_lines verifier "$1" "$1/run/verifier.log"
	file_lines stderr "$1" "$1/stderr"
	printf 'failed\t%s\tcheck\n' "$1"
}

# leave STATUS: take everything away
# shellcheck disable=SC2317
leave() {
	rm -rf "$stage"
	ended "$1"
}

printf 'fleetbpf\tcheck\n'
# Beside ROOT, because /tmp and /run may be mounted noexec.
stage=$(mktemp -d "$(dirname "$1")/.fleetbpf-check.XXXXXX") || exit 1
trap 'leave $?' EXIT
trap 'exit 1' HUP INT TERM PIPE
cd "$stage" && tar -xzf - || exit 1
shift
while [ $# -ge 2 ]; do
	judge "$1" "$2"
	shift 2
done
