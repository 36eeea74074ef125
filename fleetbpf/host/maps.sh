# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# What the maps of a running program hold, as its loader reads them out.
# usage: maps.sh ROOT DEPLOYMENT PROGRAM MAP DELAY
#   DEPLOYMENT   "" for all of them; MAP may be "all"; DELAY: seconds to wait before
# For each program that is placed a line `placed<TAB>DEPLOYMENT<TAB>PROGRAM`, for each that is meant
# `program<TAB>DEPLOYMENT<TAB>RELEASE`, what its loader says (JSON lines, errors in between as plain
# text), and `ended<TAB>STATUS`.
set -u
root=$1 deployment=$2 program=$3 map=$4 delay=$5
trust "$root"

printf 'fleetbpf\tmaps\n'
[ "$delay" = 0 ] || sleep "$delay"
for current in "$root"/*/*/current; do
	[ -e "$current/loader" ] || continue
	folder=${current%/current}
	name=${folder##*/} owner=${folder%/*} owner=${owner##*/}
	[ -z "$deployment" ] || [ "$deployment" = "$owner" ] || continue
	printf 'placed\t%s\t%s\n' "$owner" "$name"
	[ "$name" = "$program" ] || continue
	release=$(readlink "$current")
	printf 'program\t%s\t%s\n' "$owner" "${release##*/}"
	"$current/loader" --args "$current/args" --dump "$map" </dev/null 2>&1
	printf 'ended\t%d\n' "$?"
done
