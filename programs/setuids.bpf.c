// SPDX-License-Identifier: GPL-2.0-only
/*
 * setuids: one event for every process that takes on another user or group, or could not.
 *
 * Event    setuid_event {time, pid, uid, comm, call, from, to, error}, of the ring `events`
 * Constant failed_only: only those that failed
 *          changed_only: leave out calls that ask for what is so already
 * Hooks    tracepoint/syscalls/sys_{enter,exit}_{setuid,setreuid,setresuid,setgid,setregid,
 *          setresgid}
 * Needs    kernel >= 5.10; no BTF
 * Overhead 0.9 µs for a call
 */
#include <linux/bpf.h>
#include <stdbool.h>

#include <fleetbpf.h>

const volatile bool failed_only = false;
const volatile bool changed_only = true;

enum call_name {
	SETUID,
	SETREUID,
	SETRESUID,
	SETGID,
	SETREGID,
	SETRESGID,
};

/* What a program gains by its set-user-id bit is no call: execs has that. */
struct setuid_event {
	fleetbpf_boottime time;
	__u32 pid;
	fleetbpf_uid uid; /* the real one, after the call */
	char comm[16];
	enum call_name call;
	__u32 from; /* the real id before the call, and what it asked for: the effective one, */
	__u32 to;   /* or else the real one */
	fleetbpf_errno error;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
	__type(value, struct setuid_event);
} events SEC(".maps");

/* A call that has begun, until it ends. Of too many at once the oldest are forgotten. */
struct call {
	__u32 name;
	__u32 from;
	__u32 to;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64); /* the thread */
	__type(value, struct call);
} calls SEC(".maps");

/* -1 as real or effective id leaves that one as it is. */
static __always_inline int begin(enum call_name name, __u32 real, __u32 effective)
{
	__u64 now = bpf_get_current_uid_gid(); /* the group above the user */
	struct call call = {
		.name = name,
		.from = name >= SETGID ? now >> 32 : now,
		.to = effective == (__u32)-1 ? real : effective,
	};
	__u64 thread = bpf_get_current_pid_tgid();

	if (!changed_only || call.from != call.to)
		bpf_map_update_elem(&calls, &thread, &call, BPF_ANY);
	return 0;
}

static __always_inline void tell(const struct call *call, __s64 result)
{
	struct setuid_event *event = fleetbpf_reserve(&events, struct setuid_event);

	if (!event)
		return;
	fleetbpf_stamp(event);
	event->call = call->name;
	event->from = call->from;
	event->to = call->to;
	event->error = result;
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

/* The pair of functions of a call, and which of its arguments are the two ids. */
#define CALL(call, name, real, effective)                                                          \
	SEC("tracepoint/syscalls/sys_enter_" #call)                                                \
	int enter_##call(struct fleetbpf_sys_enter *enter)                                         \
	{                                                                                          \
		return begin(name, enter->arguments[real], enter->arguments[effective]);           \
	}                                                                                          \
                                                                                                   \
	SEC("tracepoint/syscalls/sys_exit_" #call)                                                 \
	int exit_##call(struct fleetbpf_sys_exit *exit)                                            \
	{                                                                                          \
		return end(exit->result);                                                          \
	}

CALL(setuid, SETUID, 0, 0)
CALL(setreuid, SETREUID, 0, 1)
CALL(setresuid, SETRESUID, 0, 1)
CALL(setgid, SETGID, 0, 0)
CALL(setregid, SETREGID, 0, 1)
CALL(setresgid, SETRESGID, 0, 1)

char LICENSE[] SEC("license") = "GPL";
