# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Print all that a host can say of itself: NAME<TAB>VALUE lines; a name may come several times.
# usage: survey.sh ROOT "CONFIG ..." "FUNCTION ..."
#   CONFIG     options of the kernel's configuration, without CONFIG_: told where it can be read
#   FUNCTION   kernel functions: told if they are there
# What cannot be found is not told. Changes nothing, needs no root for most. Stands behind lock.sh.
set -u
root=$1 options=$2 functions=$3
trust "$root"
release=$(uname -r)

fact() {
	[ -z "$2" ] || printf '%s\t%s\n' "$1" "$2"
}

# first_line FILE: into `line`, without a process; empty when it cannot be read
first_line() {
	line=
	[ ! -r "$1" ] || read -r line <"$1"
} 2>/dev/null

# file_fact NAME FILE: the first line of FILE
file_fact() {
	first_line "$2"
	fact "$1" "$line"
}

unquoted() {
	value=${1#[\"\']}
	echo "${value%[\"\']}"
}

machine() {
	fact hostname "$(uname -n)"
	fact uid "$(id -u)"
	fact kernel "$release"
	fact kernel_build "$(uname -v)"
	fact arch "$(uname -m)"
	file_fact boot_id /proc/sys/kernel/random/boot_id
	first_line /proc/uptime
	fact uptime "${line%%.*}"
	file_fact init /proc/1/comm
	if [ -d /run/systemd/system ]; then
		fact systemd "$(systemctl --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p')"
	fi
	fact virtualization "$(systemd-detect-virt 2>/dev/null)"
	file_fact product /sys/class/dmi/id/product_name
	file_fact cpus_online /sys/devices/system/cpu/online
	file_fact cpus_possible /sys/devices/system/cpu/possible
}

distribution() {
	while IFS='=' read -r key text; do
		case $key in
		PRETTY_NAME) fact distribution "$(unquoted "$text")" ;;
		ID) fact distribution_id "$(unquoted "$text")" ;;
		VERSION_ID) fact distribution_version "$(unquoted "$text")" ;;
		esac
	done </etc/os-release
} 2>/dev/null

memory() {
	while read -r key number _; do
		case $key in
		MemTotal:) fact memory_total "$number" ;;
		MemAvailable:) fact memory_available "$number" ;;
		esac
	done </proc/meminfo
}

# disk: of the file system that ROOT is on, or will be
disk() {
	folder=$root
	while [ ! -d "$folder" ]; do
		folder=${folder%/*} folder=${folder:-/}
	done
	fact disk "$(stat -f -c '%S %b %a' "$folder")"
	mount='' on='' folder=${folder%/}/
	while read -r _ where _ given _; do
		case $folder in "${where%/}"/*) ;; *) continue ;; esac
		[ "${#where}" -lt "${#mount}" ] || mount=$where on=$given
	done </proc/mounts
	fact disk_options "$on"
} 2>/dev/null

mounts() {
	while read -r _ where type _; do
		case $type in
		tracefs | cgroup | cgroup2) fact "$type" "$where" ;;
		bpf) fact bpffs "$where" ;;
		esac
	done </proc/mounts
}

settings() {
	# grep, because dash reads byte by byte, and of a number there it would get the first digit.
	grep -H . /proc/sys/kernel/unprivileged_bpf_disabled /proc/sys/kernel/perf_event_paranoid \
		/proc/sys/kernel/kptr_restrict /proc/sys/kernel/ftrace_enabled \
		/proc/sys/kernel/bpf_stats_enabled /proc/sys/net/core/bpf_jit_* 2>/dev/null |
		sed 's|^[^:]*/\([a-z_]*\):|\1	|'
	file_fact lockdown /sys/kernel/security/lockdown
	file_fact lsms /sys/kernel/security/lsm
}

types() {
	[ -r /sys/kernel/btf/vmlinux ] && fact btf yes
	modules=0
	for file in /sys/kernel/btf/*; do
		case $file in */vmlinux | *'*') ;; *) modules=$((modules + 1)) ;; esac
	done
	fact btf_modules "$modules"
}

network() {
	for folder in /sys/class/net/*; do
		[ -d "$folder" ] && fact interface "${folder##*/}"
	done
	while read -r name to _; do
		[ "$to" = 00000000 ] && fact default_interface "$name" && break
	done </proc/net/route
} 2>/dev/null

# any_of WORD...: an extended regular expression for any of the words
any_of() {
	printf '%s' "$1"
	shift
	[ $# = 0 ] || printf '|%s' "$@"
}

configuration() {
	for file in /proc/config.gz "/boot/config-$release" "/lib/modules/$release/config"; do
		[ -r "$file" ] || continue
		fact config_file "$file"
		# shellcheck disable=SC2086
		case $file in *.gz) gzip -dc "$file" ;; *) cat "$file" ;; esac |
			sed -n -E "s/^CONFIG_($(any_of $options))=(.*)/config	\1=\2/p"
		return
	done
}

# kernel_functions: on a slow machine the kernel needs seconds to list its symbols
kernel_functions() {
	[ -r /proc/kallsyms ] || return 0
	fact kallsyms yes
	# shellcheck disable=SC2086
	sed -n -E "s/^[^ ]* [tTwW] ($(any_of $functions))( *\[.*)?$/function	\1/p" /proc/kallsyms
}

tools() {
	for tool in tar gzip sha256sum mktemp readlink sed head tail wc sort; do
		command -v "$tool" >/dev/null || fact missing "$tool"
	done
}

printf 'fleetbpf\tsurvey\n'
[ -d "$root/lock" ] && fact lock "$(tell_lock)"
machine
distribution
memory
disk
mounts
settings
types
network
configuration
kernel_functions
tools
exit 0
