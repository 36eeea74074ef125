#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The commands of the README on machines that have nothing: each suite of Debian is made anew by
# mmdebstrap, and each user runs each command there, on this machine's kernel.
# By hand and nightly, as root; takes about 25 minutes for each suite and user.
# usage: tests/fresh.sh [--suite SUITE] [--user root|sudo|plain] [--keep] [demo|check|test …]
#   root   the machine's administrator        sudo   a user who may use sudo without a password
#   plain  a user who has no sudo: root installs what `./dev` names
# Logs and a table of times are in the folder that is printed first; --keep leaves the roots there.
set -eu
repository=$(cd "$(dirname "$0")/.." && pwd)
suites="trixie bookworm"
users="root sudo plain"
keep=

fail() {
	echo "fresh.sh: $*" >&2
	exit 2
}

while [ $# -gt 0 ]; do
	case $1 in
	--suite) suites=$2 && shift 2 ;;
	--user) users=$2 && shift 2 ;;
	--keep) keep=yes && shift ;;
	-*) fail "unknown option $1" ;;
	*) break ;;
	esac
done
[ $# -gt 0 ] || set -- demo check test
[ "$(id -u)" = 0 ] || fail "root is needed: the tests of this kernel load BPF"
for tool in mmdebstrap unshare pivot_root git; do
	command -v "$tool" >/dev/null || fail "$tool is missing: apt-get install mmdebstrap util-linux git"
done

work=$(mktemp -d "${TMPDIR:-/var/tmp}/fleetbpf-fresh.XXXXXX")
chmod 755 "$work"
echo "roots and logs: $work"

# How this machine reaches the archive and the package index: the new one has to do as it does.
# shellcheck disable=SC2016  # apt's own variables
mirror=$(apt-get indextargets --format '$(ORIGIN)|$(REPO_URI)' | sed -n 's/^Debian|//p' | head -n 1)
bundle=/etc/ssl/certs/ca-certificates.crt

make_archive() { # SUITE
	[ -f "$work/$1.tar" ] || mmdebstrap --quiet --variant=minbase --include=ca-certificates \
		"$1" "$work/$1.tar" "${mirror:-http://deb.debian.org/debian}"
}

make_root() { # SUITE USER → a root, the repository as a clone of its own in it
	root=$work/$1-$2
	mkdir "$root"
	tar -C "$root" -xf "$work/$1.tar"
	cat "$bundle" >"$root$bundle"
	cat /etc/resolv.conf >"$root/etc/resolv.conf"
	apt-config dump | grep '^Acquire::' >"$root/etc/apt/apt.conf.d/90fresh" || true
	home=$root/root
	if [ "$2" != root ]; then
		inside "$root" root useradd --create-home --shell /bin/bash ops
		home=$root/home/ops
	fi
	if [ "$2" = sudo ]; then
		inside "$root" root sh -c 'apt-get update -qq && apt-get install -qq -y --no-install-recommends sudo >/dev/null
			echo "ops ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/ops'
	fi
	git clone --quiet "$repository" "$home/fleetbpf"
	[ "$2" = root ] || inside "$root" root chown -R ops:ops /home/ops/fleetbpf
}

# A command in a root, with mounts that end with it. Not by chroot: nobody may make a user namespace
# in one, and the lab of a plain user does. No pid namespace: BPF programs tell pids of the first.
inside() { # ROOT USER WORDS…
	# shellcheck disable=SC2016  # the inner shell's own variables
	unshare --mount -- sh -c '
		set -eu
		root=$1 user=$2
		shift 2
		mount --bind "$root" "$root"
		for folder in proc dev sys; do mount --rbind "/$folder" "$root/$folder"; done
		mkdir -p "$root/.old"
		cd "$root"
		pivot_root . .old
		umount -l /.old
		home=$(getent passwd "$user" | cut -d: -f6)
		cd "$home/fleetbpf" 2>/dev/null || cd /
		ci= # as in CI, nothing is skipped for root; others may load no BPF
		[ "$user" != root ] || ci=true
		set -- env -i HOME="$home" USER="$user" LANG=C.UTF-8 CI="$ci" TERM=dumb \
			PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
			PIP_CERT="$bundle" ${PIP_INDEX_URL:+"PIP_INDEX_URL=$PIP_INDEX_URL"} "$@"
		if [ "$user" = root ]; then exec "$@"; fi
		exec setpriv --reuid="$user" --regid="$user" --init-groups -- "$@"
	' inside "$@"
}

# A user without sudo is told which command root has to run.
install_for() { # ROOT
	inside "$1" ops ./dev setup >"$1.setup.log" 2>&1 || true
	command=$(sed -n '/^ *apt-get /p' "$1.setup.log")
	[ -n "$command" ] || fail "./dev does not say what root has to install: $1.setup.log"
	inside "$1" root env DEBIAN_FRONTEND=noninteractive sh -ec "$command" >>"$1.setup.log" 2>&1
}

export bundle
status=0
for suite in $suites; do
	make_archive "$suite"
	for user in $users; do
		make_root "$suite" "$user"
		who=ops
		[ "$user" != root ] || who=root
		[ "$user" != plain ] || install_for "$root"
		for command in "$@"; do
			began=$(date +%s)
			said=$work/$suite-$user-$command.log
			verdict=ok
			inside "$root" "$who" ./dev "$command" >"$said" 2>&1 </dev/null || verdict=FAILED
			[ "$verdict" = ok ] || status=1
			[ "$command" != demo ] || inside "$root" "$who" .venv/bin/fleetbpf lab down >>"$said" 2>&1
			closing=$(grep -E '^=+ .*(passed|failed|error).* =+$' "$said" | tail -n 1)
			printf '%-9s %-6s %-6s %-7s %5s s  %s\n' "$suite" "$user" "$command" "$verdict" \
				"$(($(date +%s) - began))" "$closing" | tee -a "$work/times"
		done
		[ -n "$keep" ] || rm -rf "$root"
	done
done
exit "$status"
