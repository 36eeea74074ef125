// SPDX-License-Identifier: GPL-2.0-only
/*
 * deletes: one event for every file or directory that is deleted, or could not be.
 *
 * Event    delete_event {time, pid, uid, comm, directory, error, path}, of the ring `events`
 * Constant failed_only: only those that failed
 *          only_uid: only those of this user
 * Hooks    tracepoint/syscalls/sys_{enter,exit}_unlinkat, and on x86 …_{unlink,rmdir}
 * Needs    kernel >= 5.10; no BTF
 * Overhead 1.0 µs for a delete
 */
#include <linux/bpf.h>
#include <stdbool.h>

#include <fleetbpf.h>

#define AT_REMOVEDIR 0x200 /* linux/fcntl.h */

const volatile bool failed_only = false;
const volatile __s64 only_uid = -1;

struct delete_event {
	fleetbpf_boottime time;
	__u32 pid;
	fleetbpf_uid uid;
	fleetbpf_errno error;
	bool directory;
	char comm[16];
	char path[256]; /* as it was given, cut after 255 bytes */
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 512 * 1024);
	__type(value, struct delete_event);
} events SEC(".maps");

/* A call that has begun, until it ends. Of too many at once the oldest are forgotten. */
struct call {
	const char *path;
	__u64 directory;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64); /* the thread */
	__type(value, struct call);
} calls SEC(".maps");

static __always_inline int begin(__u64 path, bool directory)
{
	struct call call = {.path = (const char *)path, .directory = directory};
	__u64 thread = bpf_get_current_pid_tgid();

	if (only_uid < 0 || only_uid == (__u32)bpf_get_current_uid_gid())
		bpf_map_update_elem(&calls, &thread, &call, BPF_ANY);
	return 0;
}

static __always_inline void tell(const struct call *call, __s64 result)
{
	struct delete_event *event = fleetbpf_reserve(&events, struct delete_event);

	if (!event)
		return;
	fleetbpf_stamp(event);
	event->error = -result;
	event->directory = call->directory;
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
	if (result || !failed_only)
		tell(call, result);
	bpf_map_delete_elem(&calls, &thread);
	return 0;
}

/* unlinkat(directory, path, flags) */
SEC("tracepoint/syscalls/sys_enter_unlinkat")
int enter_unlinkat(struct fleetbpf_sys_enter *call)
{
	return begin(call->arguments[1], call->arguments[2] & AT_REMOVEDIR);
}

SEC("tracepoint/syscalls/sys_exit_unlinkat")
int exit_unlinkat(struct fleetbpf_sys_exit *call)
{
	return end(call->result);
}

#ifdef __TARGET_ARCH_x86 /* newer architectures have the calls with `at` only */
/* unlink(path) */
SEC("tracepoint/syscalls/sys_enter_unlink")
int enter_unlink(struct fleetbpf_sys_enter *call)
{
	return begin(call->arguments[0], false);
}

SEC("tracepoint/syscalls/sys_exit_unlink")
int exit_unlink(struct fleetbpf_sys_exit *call)
{
	return end(call->result);
}

/* rmdir(path) */
SEC("tracepoint/syscalls/sys_enter_rmdir")
int enter_rmdir(struct fleetbpf_sys_enter *call)
{
	return begin(call->arguments[0], true);
}

SEC("tracepoint/syscalls/sys_exit_rmdir")
int exit_rmdir(struct fleetbpf_sys_exit *call)
{
	return end(call->result);
}
#endif

char LICENSE[] SEC("license") = "GPL";
