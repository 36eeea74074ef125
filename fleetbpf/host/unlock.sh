# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Remove the lock of a host if its owner is dead, or by force; say whose it was.
# usage: unlock.sh ROOT FORCE     (FORCE "yes": though its owner is at work)
# Stands behind lock.sh. Says `lock<TAB>…` as tell_lock does, then `removed` where it was.
set -u
trust "$1"
root=$1 force=$2 mine=$1/.lock.$$
while [ -e "$mine" ]; do mine=$mine+; done
printf 'fleetbpf\tunlock\n'
[ -d "$root/lock" ] || [ -h "$root/lock" ] || exit 0
said=$(tell_lock)
printf 'lock\t%s\n' "$said"
if [ "$force" = yes ]; then
	remove_lock && echo removed
else
	case $said in *"	stale	"*) take_lock "" "" 0 >/dev/null && give_lock_up && echo removed ;; esac
fi
rmdir "$root" 2>/dev/null
exit 0
