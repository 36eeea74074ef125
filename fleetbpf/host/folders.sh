# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Is what root works in root's alone to change? For the scripts that this stands before.

# ended STATUS: the last of both streams of an answer, where whoever has sent this script has given it a
# mark. For scripts that have a trap of their own on EXIT.
ended() {
	[ -n "${answer_mark-}" ] || return 0
	printf '\036%s %d\n' "$answer_mark" "$1"
	printf '\036%se %d\n' "$answer_mark" "$1" >&2
}

# who: into `user`, whom we act as
who() {
	[ -z "${user-}" ] || return 0
	while read -r key _ user _; do
		[ "$key" != Uid: ] || break
	done </proc/self/status
}

# stranger FOLDER...: into `stranger`, who but root (and we, where we are another) may change one of
# these or a folder that it is in; '' where nobody may. What is not there yet is nobody's.
stranger() {
	stranger='' linked='' ends='|'
	who
	for end; do
		ends="$ends$end|" above=$end
		while above=${above%/*} && [ -n "$above" ]; do
			set -- "$@" "$above"
		done
	done
	for folder; do
		[ ! -h "$folder" ] || linked=yes
	done
	listing=$(unset TIME_STYLE QUOTING_STYLE; LC_ALL=C ls -ldn -- / "$@" 2>/dev/null)
	while read -r mode _ owner _ _ _ _ _ folder; do
		judge_line "$mode" "${owner:-nobody}" "${folder%% -> *}" || return 0
	done <<END
$listing
END
	[ -z "$linked" ] || led_by_links "${ends#|}"
}

# judge_line MODE OWNER FOLDER: a line of ls. In a sticky folder others may add, but not exchange.
judge_line() {
	case $2 in
	0 | "$user") ;;
	*) stranger="$3 belongs to user $2, not to root ($1)" && return 1 ;;
	esac
	case $1 in
	l*) return 0 ;;
	?????w* | ????????w*) ;;
	*) return 0 ;;
	esac
	case $1$ends in
	*"|$3|"*) ;;
	?????????[tT]*) return 0 ;;
	esac
	stranger="$3 may be changed by others than its owner, user $2 ($1)"
	return 1
}

# led_by_links FOLDER|...: the same of where they really are
led_by_links() {
	left=$1
	set --
	while [ -n "$left" ]; do
		real=$(cd -P "${left%%|*}" && pwd) && set -- "$@" "$real"
		left=${left#*|}
	done 2>/dev/null
	[ $# = 0 ] || stranger "$@"
}

# trust FOLDER...: end the script with status 77, and why on stderr, where somebody else may change them
trust() {
	[ -z "${trusted-}" ] || return 0
	stranger "$@"
	if [ -n "$stranger" ]; then
		printf 'fleetbpf: %s\n' "$stranger" >&2
		exit 77
	fi
	trusted=yes
}

# trust_owners FOLDER...: the same without a process, for who only reads there: as root a shell can tell
# a folder's owner, but not its mode
# shellcheck disable=SC3067 # -O came to POSIX in 2024, and to all of our shells before
trust_owners() {
	who
	for folder; do
		while [ -n "$folder" ]; do
			if [ "$user" != 0 ] || [ -h "$folder" ] || { [ -e "$folder" ] && [ ! -O "$folder" ]; }; then
				trust "$@"
				return 0
			fi
			folder=${folder%/*}
		done
	done
}
