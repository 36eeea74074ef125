# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Unpack what comes on stdin, and have this shell do the script in it.
# usage: unpack.sh ROOT ARGUMENT... < payload.tar.gz
#   payload  script, which is given all of these arguments, and its files; all lie in the folder $stage
# The folder is inside of what lock.sh makes the lock, and goes with it.
umask 077
stage=$1/.lock.$$/.stage
printf 'fleetbpf\tactivate\n'
# Not into a file: on a full disk it would stay empty.
if said=$(mkdir -p "$stage" 2>&1 && tar -xzf - -C "$stage" 2>&1) && [ -f "$stage/script" ]; then
	# shellcheck disable=SC1091
	. "$stage/script"
fi
printf '%s\n' "${said:-a payload without a script}" | while read -r line; do
	printf 'stderr\t\t%s\n' "$line"
done
printf 'failed\t\tpayload\n'
rm -rf "$1/.lock.$$"
rmdir "$1" 2>/dev/null
exit 1
