/* SPDX-License-Identifier: Apache-2.0 */
/* What many programs need. Include it after vmlinux.h or <linux/bpf.h>. */
#ifndef FLEETBPF_H
#define FLEETBPF_H

#include <bpf/bpf_helpers.h>

/* What tracepoint/syscalls/sys_enter_NAME passes: the same on every 64-bit kernel. */
struct fleetbpf_sys_enter {
	__u64 common;
	__s64 number;
	__u64 arguments[6];
};

/* And sys_exit_NAME: the result is negative, -ENOENT for instance, where the call failed. */
struct fleetbpf_sys_exit {
	__u64 common;
	__s64 number;
	__s64 result;
};

/* Fill an event's fields time, pid, uid and comm: now, and the process that is running. */
#define fleetbpf_stamp(event)                                                                      \
	({                                                                                         \
		(event)->time = bpf_ktime_get_boot_ns();                                           \
		(event)->pid = bpf_get_current_pid_tgid() >> 32;                                   \
		(event)->uid = (__u32)bpf_get_current_uid_gid();                                   \
		bpf_get_current_comm((event)->comm, sizeof((event)->comm));                        \
	})

/*
 * Count one more of *key in a hash map from the key to a __u64. On all processors at once no count
 * is lost, as long as the map has room.
 */
static __always_inline void fleetbpf_count(void *map, const void *key)
{
	__u64 zero = 0, *count = bpf_map_lookup_elem(map, key);

	if (!count) {
		/* Somebody else may be first: then theirs is used. */
		bpf_map_update_elem(map, key, &zero, 1 /* BPF_NOEXIST */);
		count = bpf_map_lookup_elem(map, key);
	}
	if (count)
		__sync_fetch_and_add(count, 1);
}

/*
 * The slot of a value in a histogram whose slots double: 0 for 0 and 1, 1 for 2 and 3, 2 for 4 to
 * 7, and so on up to 63. Use it as an index, or as the field `slot` of a key; a manifest's
 * `histogram: log2` reads it back.
 */
static __always_inline __u32 fleetbpf_log2(__u64 value)
{
	__u32 slot = 0;

#pragma unroll
	for (int bits = 32; bits; bits /= 2) {
		__u32 shift = (value >> bits != 0) * bits;

		value >>= shift;
		slot += shift;
	}
	return slot;
}

#define FLEETBPF_SLOTS 64 /* as many as fleetbpf_log2 has */

/* Count `value` in its slot of an array or per-CPU array map of FLEETBPF_SLOTS __u64. */
static __always_inline void fleetbpf_count_log2(void *map, __u64 value)
{
	__u32 slot = fleetbpf_log2(value);
	__u64 *count = bpf_map_lookup_elem(map, &slot);

	if (count)
		__sync_fetch_and_add(count, 1);
}

/*
 * Events that found no room in their ring buffer, of all rings and processors: the kernel does not
 * count them. The loader reads it and tells them as lost. An object that does not use the calls
 * below has no such variable.
 */
static volatile __u64 fleetbpf_missed __attribute__((section(".data.fleetbpf"), unused));

/*
 * bpf_ringbuf_reserve, with the failures counted: room for one `type` in *ring, or NULL.
 *
 *	struct exec_event *event = fleetbpf_reserve(&events, struct exec_event);
 */
#define fleetbpf_reserve(ring, type) ((type *)fleetbpf_reserve_bytes(ring, sizeof(type)))

#define fleetbpf_reserve_bytes(ring, size)                                                         \
	({                                                                                         \
		void *___room = bpf_ringbuf_reserve(ring, size, 0);                                \
		if (!___room)                                                                      \
			__sync_fetch_and_add(&fleetbpf_missed, 1);                                 \
		___room;                                                                           \
	})

/* bpf_ringbuf_output, with the failures counted: for events whose size only the run tells. */
static __always_inline long fleetbpf_output(void *ring, void *event, __u64 size)
{
	long error = bpf_ringbuf_output(ring, event, size, 0);

	if (error)
		__sync_fetch_and_add(&fleetbpf_missed, 1);
	return error;
}

/*
 * Types that say by their name what a number is. A field of one, or of an array of it, is written
 * into records as the comment shows; docs/loader.md has all of it.
 */
typedef __u32 fleetbpf_ipv4;	 /* network order: "192.0.2.1" */
typedef __u8 fleetbpf_ipv6[16];	 /* "2001:db8::1", "::ffff:192.0.2.1" */
typedef __u8 fleetbpf_mac[6];	 /* "52:54:00:12:34:56" */
typedef __u16 fleetbpf_port;	 /* network order: 443 */
typedef __u32 fleetbpf_uid;	 /* 1000 */
typedef __u32 fleetbpf_gid;	 /* 1000 */
typedef __s32 fleetbpf_syscall;	 /* "openat" */
typedef __s32 fleetbpf_signal;	 /* "SIGKILL" */
typedef __s32 fleetbpf_errno;	 /* 2 and -2: "ENOENT"; 0: 0 */
typedef __u64 fleetbpf_ksym;	 /* "vfs_read+0x10" */
typedef __u64 fleetbpf_boottime; /* bpf_ktime_get_boot_ns(): "2026-11-22T13:48:53.299789012Z" */
typedef __u64 fleetbpf_duration; /* nanoseconds: 1500000 */
typedef __u64 fleetbpf_bytes;	 /* 4096 */

#endif
