# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Unpack what comes on stdin, and have this shell do the script in it.
# usage: unpack.sh TOOL ROOT RUN UNITS ARGUMENT... < payload.tar.TOOL
#   TOOL     gzip | zstd, what undoes the compression
#   payload  script, which is given the other arguments, and its files; all lie in the folder $stage
# That is inside of $mine, which lock.sh knows as ours, and goes with it.
umask 077
tool=$1
shift
trust "$1" "$2" "$3"
mine=$1/.lock.$$
while [ -e "$mine" ]; do mine=$mine+; done
stage=$mine/.stage
printf 'fleetbpf\tactivate\n'
# By a pipe of our own: `tar -xz` would feed the other program 512 bytes at a time. What is said goes
# into no file: on a full disk it would stay empty.
if said=$({
	mkdir -p "$stage" && { "$tool" -dc && : >"$stage/whole"; } | tar -xf - -C "$stage"
} 2>&1) && [ -f "$stage/whole" ] && [ -f "$stage/script" ]; then
	# shellcheck disable=SC1091
	. "$stage/script"
fi
printf '%s\n' "${said:-a payload without a script}" | while read -r line; do
	printf 'stderr\t\t%s\n' "$line"
done
printf 'failed\t\tpayload\n'
rm -rf "$mine"
rmdir "$1" 2>/dev/null
exit 1
