// SPDX-License-Identifier: GPL-2.0-only
/*
 * opens: one event for every file that is opened, or could not be.
 *
 * Event    open_event {time, pid, uid, comm, flags, fd, error, path}, of the ring `events`
 * Constant failed_only: only those that failed
 *          only_uid: only those of this user
 * Hooks    tracepoint/syscalls/sys_{enter,exit}_{openat,openat2}, and on x86 …_open
 * Needs    kernel >= 5.10; no BTF
 * Overhead 1.2 µs for an open
 */
#include <linux/bpf.h>
#include <stdbool.h>

#include <fleetbpf.h>

const volatile bool failed_only = false;
const volatile __s64 only_uid = -1;

struct open_event {
	fleetbpf_boottime time;
	__u32 pid;
	fleetbpf_uid uid;
	__u32 flags; /* O_WRONLY | O_CREAT | … of fcntl.h */
	__s32 fd;    /* or -1 */
	fleetbpf_errno error;
	char comm[16];
	char path[256]; /* as it was given, cut after 255 bytes */
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1024 * 1024);
	__type(value, struct open_event);
} events SEC(".maps");

/* A call that has begun, until it ends. Of too many at once the oldest are forgotten. */
struct call {
	const char *path;
	__u64 flags;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64); /* the thread */
	__type(value, struct call);
} calls SEC(".maps");

static __always_inline int begin(__u64 path, __u32 flags)
{
	struct call call = {.path = (const char *)path, .flags = flags};
	__u64 thread = bpf_get_current_pid_tgid();

	if (only_uid < 0 || only_uid == (__u32)bpf_get_current_uid_gid())
		bpf_map_update_elem(&calls, &thread, &call, BPF_ANY);
	return 0;
}

static __always_inline void tell(const struct call *call, __s64 result)
{
	struct open_event *event = fleetbpf_reserve(&events, struct open_event);

	if (!event)
		return;
	fleetbpf_stamp(event);
	event->flags = call->flags;
	event->fd = result < 0 ? -1 : result;
	event->error = result < 0 ? -result : 0;
	/* Not before the call: the page of a path that nobody read yet may not be in memory. */
	if (bpf_probe_read_user_str(event->path, sizeof(event->path), call->path) < 0)
		event->path[0] = '\0';
	bpf_ringbuf_submit(event, 0);
}

static __always_inline int end(__s64 result)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct call *call = bpf_map_lookup_elem(&calls, &thread);

	if (!call)
		return 0;
	if (result < 0 || !failed_only)
		tell(call, result);
	bpf_map_delete_elem(&calls, &thread);
	return 0;
}

/* openat(directory, path, flags, mode) */
SEC("tracepoint/syscalls/sys_enter_openat")
int enter_openat(struct fleetbpf_sys_enter *call)
{
	return begin(call->arguments[1], call->arguments[2]);
}

SEC("tracepoint/syscalls/sys_exit_openat")
int exit_openat(struct fleetbpf_sys_exit *call)
{
	return end(call->result);
}

/* openat2(directory, path, how, size): the first field of struct open_how are the flags. */
SEC("tracepoint/syscalls/sys_enter_openat2")
int enter_openat2(struct fleetbpf_sys_enter *call)
{
	__u64 flags = 0;

	bpf_probe_read_user(&flags, sizeof(flags), (void *)call->arguments[2]);
	return begin(call->arguments[1], flags);
}

SEC("tracepoint/syscalls/sys_exit_openat2")
int exit_openat2(struct fleetbpf_sys_exit *call)
{
	return end(call->result);
}

#ifdef __TARGET_ARCH_x86 /* newer architectures have the calls with `at` only */
/* open(path, flags, mode) */
SEC("tracepoint/syscalls/sys_enter_open")
int enter_open(struct fleetbpf_sys_enter *call)
{
	return begin(call->arguments[0], call->arguments[1]);
}

SEC("tracepoint/syscalls/sys_exit_open")
int exit_open(struct fleetbpf_sys_exit *call)
{
	return end(call->result);
}
#endif

char LICENSE[] SEC("license") = "GPL";
