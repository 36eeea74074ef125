// SPDX-License-Identifier: GPL-2.0-only
/*
 * renames: one event for every file or directory that is renamed, or could not be.
 *
 * Event    rename_event {time, pid, uid, comm, flags, error, old, new}, of the ring `events`
 * Constant failed_only: only those that failed
 *          only_uid: only those of this user
 * Hooks    tracepoint/syscalls/sys_{enter,exit}_{renameat,renameat2}, and on x86 …_rename
 * Needs    kernel >= 5.10; no BTF
 * Overhead 1.1 µs for a rename
 */
#include <linux/bpf.h>
#include <stdbool.h>

#include <fleetbpf.h>

const volatile bool failed_only = false;
const volatile __s64 only_uid = -1;

struct rename_event {
	fleetbpf_boottime time;
	__u32 pid;
	fleetbpf_uid uid;
	fleetbpf_errno error;
	__u32 flags; /* RENAME_NOREPLACE 1, RENAME_EXCHANGE 2 */
	char comm[16];
	char old[256]; /* as they were given, cut after 255 bytes */
	char new[256];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 512 * 1024);
	__type(value, struct rename_event);
} events SEC(".maps");

/* A call that has begun, until it ends. Of too many at once the oldest are forgotten. */
struct call {
	const char *old;
	const char *new;
	__u64 flags;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64); /* the thread */
	__type(value, struct call);
} calls SEC(".maps");

static __always_inline int begin(__u64 old, __u64 new, __u32 flags)
{
	struct call call = {(const char *)old, (const char *)new, flags};
	__u64 thread = bpf_get_current_pid_tgid();

	if (only_uid < 0 || only_uid == (__u32)bpf_get_current_uid_gid())
		bpf_map_update_elem(&calls, &thread, &call, BPF_ANY);
	return 0;
}

static __always_inline void tell(const struct call *call, __s64 result)
{
	struct rename_event *event = fleetbpf_reserve(&events, struct rename_event);

	if (!event)
		return;
	fleetbpf_stamp(event);
	event->error = -result;
	event->flags = call->flags;
	/* Not before the call: the page of a path that nobody read yet may not be in memory. */
	if (bpf_probe_read_user_str(event->old, sizeof(event->old), call->old) < 0)
		event->old[0] = '\0';
	if (bpf_probe_read_user_str(event->new, sizeof(event->new), call->new) < 0)
		event->new[0] = '\0';
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

/* renameat(old directory, old, new directory, new) */
SEC("tracepoint/syscalls/sys_enter_renameat")
int enter_renameat(struct fleetbpf_sys_enter *call)
{
	return begin(call->arguments[1], call->arguments[3], 0);
}

SEC("tracepoint/syscalls/sys_exit_renameat")
int exit_renameat(struct fleetbpf_sys_exit *call)
{
	return end(call->result);
}

/* renameat2(old directory, old, new directory, new, flags) */
SEC("tracepoint/syscalls/sys_enter_renameat2")
int enter_renameat2(struct fleetbpf_sys_enter *call)
{
	return begin(call->arguments[1], call->arguments[3], call->arguments[4]);
}

SEC("tracepoint/syscalls/sys_exit_renameat2")
int exit_renameat2(struct fleetbpf_sys_exit *call)
{
	return end(call->result);
}

#ifdef __TARGET_ARCH_x86 /* newer architectures have the calls with `at` only */
/* rename(old, new) */
SEC("tracepoint/syscalls/sys_enter_rename")
int enter_rename(struct fleetbpf_sys_enter *call)
{
	return begin(call->arguments[0], call->arguments[1], 0);
}

SEC("tracepoint/syscalls/sys_exit_rename")
int exit_rename(struct fleetbpf_sys_exit *call)
{
	return end(call->result);
}
#endif

char LICENSE[] SEC("license") = "GPL";
