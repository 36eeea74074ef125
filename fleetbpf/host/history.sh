# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Print what was done on this host, oldest first; activate.sh writes it.
# usage: history.sh ROOT
set -u
trust "$1"
printf 'fleetbpf\thistory\n'
[ ! -f "$1/history" ] || cat "$1/history"
