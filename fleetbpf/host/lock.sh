# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154,SC3013 # who calls sets $mine, and uses $before; -ef came to POSIX in 2024, and to our shells before
# The lock of a host, for the scripts that this stands before: $root/lock, a link to the folder
# .lock.PID of whoever made it. The owner is in that folder before, so he is known from the first
# moment. Who finds that owner dead adds the next one (owner, owner+, …), by a link that only one
# can make: the host is never unlocked in between. All of them go when $root/lock does.
#   an owner's lines   PID BIRTH BOOT, who, when (UTC), why
# Who takes it names a folder of his own, $mine: .lock.PID, or .lock.PID+ where an earlier process
# with that number has left one, and so on.
root=$1

# birth PID: into `birth`, when it started, in clock ticks since boot (field 22 of stat); '' if it is gone
birth() {
	stat='' birth=''
	read -r stat <"/proc/$1/stat" || return 1
	# shellcheck disable=SC2086
	set -- ${stat##*) } # from the third field on: the name may hold anything
	birth=${20}
} 2>/dev/null

# lock_owner FOLDER: the file of a lock's last owner
lock_owner() {
	owner=$1/owner
	while [ -e "$owner+" ]; do owner=$owner+; done
}

# is_dead OWNER: its process is gone; also when a power cut has left the file empty
is_dead() {
	pid='' born='' boot=''
	read -r pid born boot <"$1"
	read -r now </proc/sys/kernel/random/boot_id
	[ -z "$boot" ] || [ "$boot" != "$now" ] || ! birth "$pid" || [ "$born" != "$birth" ]
} 2>/dev/null

# tell_lock: pid, held or stale, who, when, what time it is now, why; split by tabs
tell_lock() {
	lock_owner "$root/lock"
	[ -e "$owner" ] || return 0
	state=held pid='' who='' when='' why=''
	is_dead "$owner" && state=stale
	{
		read -r pid _ && IFS= read -r who && read -r when && IFS= read -r why
	} <"$owner"
	printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$pid" "$state" "$who" "$when" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$why"
} 2>/dev/null

# succeed MINE: own the lock in the place of its dead owner, by the owner's file MINE
succeed() (
	[ -d "$root/lock" ] || mkdir "$root/$(readlink "$root/lock")" # somebody has removed the folder
	cd "$root/lock" || exit 1
	lock_owner .
	# The folder may be one that was given up meanwhile: then we are not in what is the lock now.
	is_dead "$owner" && ln "$1" "$owner+" && cmp -s "$1" "$root/lock/$owner+"
) 2>/dev/null

# sign WHO WHY: what we shall be known by, in our folder; `said` is why not
sign() {
	[ -d "$mine" ] || said=$(mkdir -p "$mine" 2>&1) || return 1
	# On a full disk a shell may say no more than "I/O error", or nothing.
	said="cannot write $mine/owner: is the disk full?"
	birth $$ && read -r boot </proc/sys/kernel/random/boot_id &&
		printf '%s\n' "$$ $birth $boot" "$1" "${signed% *}" "$2" >"$mine/owner" &&
		{ read -r _ && read -r _ && read -r _ && read -r _; } <"$mine/owner"
} 2>/dev/null

# take_lock WHO WHY SECONDS: own the lock, waiting so long; says why not. Ends when the caller has
# gone while it waits. Our folder may be there before, with more in it.
take_lock() {
	waited=0
	for left in "$root"/.lock.*; do # of scripts that were killed while they waited
		pid=${left##*/.lock.}
		[ ! -d "$left" ] || [ -d "/proc/${pid%%+*}" ] || [ "$left" -ef "$root/lock" ] || rm -rf "$left"
	done
	signed=$(date -u '+%Y-%m-%dT%H:%M:%SZ %s')
	read -r signed_up _ </proc/uptime
	sign "$1" "$2" || { refuse; return 1; }
	until make_link 2>/dev/null || succeed "$mine/owner"; do
		if [ "$waited" -ge "$3" ]; then
			said=$(make_link 2>&1) && return 0 # if there is no lock, it says why none can be made
			refuse "$(tell_lock)"
			return 1
		fi
		sleep 1
		waited=$((waited + 1))
		printf 'waiting\t%s\n' "$waited" || return 1
	done
}

# last_change: into `before`, who changed the host last: the first line of that owner; '' = nobody
last_change() {
	before=''
	[ ! -f "$root/changed" ] || read -r before <"$root/changed" || : # its end may have been torn off
} 2>/dev/null

# note_change: into $root/changed and `changed`, that it was us; on a full disk nobody's line is new too
note_change() {
	read -r changed <"$mine/owner"
	printf '%s\n' "$changed" >"$root/changed"
} 2>/dev/null

make_link() { ln -sT "${mine##*/}" "$root/lock"; }

# refuse [LOCK]: give up, because of what `tell_lock` says, or else of what was `said`
refuse() {
	if [ -n "${1-}" ]; then
		printf 'locked\t%s\n' "$1"
	else
		printf 'stderr\t\t%s\nfailed\t\tlock\n' "${said%%
*}"
	fi
	abandon
	return 1
}

# clock: into `now`, the seconds since 1970, once the lock was taken; without a process
clock() {
	read -r up _ </proc/uptime
	now=$((${signed#* } + ${up%.*} - ${signed_up%.*}))
}

abandon() {
	rm -rf "$mine"
	rmdir "$root" 2>/dev/null
}

# give_lock_up: remove it, unless it was taken from us by force
give_lock_up() {
	lock_owner "$root/lock"
	if read -r pid _ <"$owner" && [ "$pid" = "$$" ]; then remove_lock; else abandon; fi
} 2>/dev/null

# remove_lock: whoever owns it; then the folder it led to, and ours
remove_lock() {
	held=$mine
	[ "$held" -ef "$root/lock" ] || held=$(cd -P "$root/lock" && pwd)
	rm -rf "$root/lock" "$held" "$mine"
}
