# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Run the inspector that comes on stdin, compressed: one JSON line for each BPF program in the kernel.
# usage: inspect.sh ROOT < inspector.gz
# Leaves nothing behind.
set -u
trust "$1"
echo 'fleetbpf	inspect'
# Beside ROOT, because /tmp and /run may be mounted noexec.
inspector=$(mktemp "$(dirname "$1")/.fleetbpf-inspector.XXXXXX") || exit 1
trap 'rm -f "$inspector"' EXIT
trap 'exit 1' HUP INT TERM PIPE
gzip -dc >"$inspector" && chmod 0700 "$inspector" && "$inspector"
