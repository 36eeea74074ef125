// SPDX-License-Identifier: GPL-2.0-only
/*
 * mounts: one event for everything that is mounted, moved or unmounted, or could not be.
 *
 * Event    mount_event {time, pid, uid, comm, call, flags, error, type, source, target}, of the
 *          ring `events`
 * Constant failed_only: only those that failed
 * Hooks    tracepoint/syscalls/sys_{enter,exit}_{mount,umount,move_mount}
 * Needs    kernel >= 5.10; no BTF
 * Overhead 1.0 µs for a mount
 */
#include <linux/bpf.h>
#include <stdbool.h>

#include <fleetbpf.h>

const volatile bool failed_only = false;

enum call_name {
	MOUNT,
	UMOUNT,
	MOVE_MOUNT, /* also the last step of mount(8) since util-linux 2.39, after fsopen() */
};

struct mount_event {
	fleetbpf_boottime time;
	__u32 pid;
	fleetbpf_uid uid;
	char comm[16];
	enum call_name call;
	fleetbpf_errno error;
	__u64 flags;	  /* of mount(2), umount(2), move_mount(2) */
	char type[32];	  /* of MOUNT */
	char source[128]; /* as they were given, cut after 127 bytes */
	char target[128];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
	__type(value, struct mount_event);
} events SEC(".maps");

/* A call that has begun, until it ends. Of too many at once the oldest are forgotten. */
struct call {
	__u64 name;
	__u64 flags;
	const char *type;
	const char *source;
	const char *target;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64); /* the thread */
	__type(value, struct call);
} calls SEC(".maps");

static __always_inline int begin(const struct call *call)
{
	__u64 thread = bpf_get_current_pid_tgid();

	bpf_map_update_elem(&calls, &thread, call, BPF_ANY);
	return 0;
}

/* Not before the call: the page of a string that nobody read yet may not be in memory. */
#define READ(to, from)                                                                             \
	({                                                                                         \
		if (!(from) || bpf_probe_read_user_str(to, sizeof(to), from) < 0)                  \
			(to)[0] = '\0';                                                            \
	})

static __always_inline void tell(const struct call *call, __s64 result)
{
	struct mount_event *event = fleetbpf_reserve(&events, struct mount_event);

	if (!event)
		return;
	fleetbpf_stamp(event);
	event->call = call->name;
	event->error = result;
	event->flags = call->flags;
	READ(event->type, call->type);
	READ(event->source, call->source);
	READ(event->target, call->target);
	bpf_ringbuf_submit(event, 0);
}

static __always_inline int end(__s64 result)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct call *call = bpf_map_lookup_elem(&calls, &thread);

	if (!call)
		return 0;
	if (result || !failed_only)
		tell(call, result);
	bpf_map_delete_elem(&calls, &thread);
	return 0;
}

/* mount(source, target, type, flags, data) */
SEC("tracepoint/syscalls/sys_enter_mount")
int enter_mount(struct fleetbpf_sys_enter *enter)
{
	struct call call = {
		.name = MOUNT,
		.flags = enter->arguments[3],
		.type = (const char *)enter->arguments[2],
		.source = (const char *)enter->arguments[0],
		.target = (const char *)enter->arguments[1],
	};

	return begin(&call);
}

SEC("tracepoint/syscalls/sys_exit_mount")
int exit_mount(struct fleetbpf_sys_exit *exit)
{
	return end(exit->result);
}

/* umount(target, flags) */
SEC("tracepoint/syscalls/sys_enter_umount")
int enter_umount(struct fleetbpf_sys_enter *enter)
{
	struct call call = {
		.name = UMOUNT,
		.flags = enter->arguments[1],
		.target = (const char *)enter->arguments[0],
	};

	return begin(&call);
}

SEC("tracepoint/syscalls/sys_exit_umount")
int exit_umount(struct fleetbpf_sys_exit *exit)
{
	return end(exit->result);
}

/* move_mount(source directory, source, target directory, target, flags) */
SEC("tracepoint/syscalls/sys_enter_move_mount")
int enter_move_mount(struct fleetbpf_sys_enter *enter)
{
	struct call call = {
		.name = MOVE_MOUNT,
		.flags = enter->arguments[4],
		.source = (const char *)enter->arguments[1],
		.target = (const char *)enter->arguments[3],
	};

	return begin(&call);
}

SEC("tracepoint/syscalls/sys_exit_move_mount")
int exit_move_mount(struct fleetbpf_sys_exit *exit)
{
	return end(exit->result);
}

char LICENSE[] SEC("license") = "GPL";
