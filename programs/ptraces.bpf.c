// SPDX-License-Identifier: GPL-2.0-only
/*
 * ptraces: one event for every ptrace() by which a process gets hold of another, or could not.
 *
 * Event    ptrace_event {time, pid, uid, comm, request, target, error}, of the ring `events`
 * Constant every_request: what a debugger does afterwards too: reads, writes, steps
 * Hooks    tracepoint/syscalls/sys_{enter,exit}_ptrace
 * Needs    kernel >= 5.10; no BTF
 * Overhead 0.8 µs for a request
 */
#include <linux/bpf.h>
#include <stdbool.h>

#include <fleetbpf.h>

const volatile bool every_request = false;

/* linux/ptrace.h; others, which differ between architectures, are numbers */
enum request {
	TRACEME = 0,
	PEEKTEXT = 1,
	PEEKDATA = 2,
	POKETEXT = 4,
	POKEDATA = 5,
	CONT = 7,
	KILL = 8,
	SINGLESTEP = 9,
	ATTACH = 16,
	DETACH = 17,
	SYSCALL = 24,
	SETOPTIONS = 0x4200,
	GETEVENTMSG = 0x4201,
	GETSIGINFO = 0x4202,
	SETSIGINFO = 0x4203,
	GETREGSET = 0x4204,
	SETREGSET = 0x4205,
	SEIZE = 0x4206,
	INTERRUPT = 0x4207,
	LISTEN = 0x4208,
	PEEKSIGINFO = 0x4209,
};

struct ptrace_event {
	fleetbpf_boottime time;
	__u32 pid;
	fleetbpf_uid uid;
	char comm[16];
	enum request request;
	__u32 target; /* 0 with TRACEME: its parent gets hold of it */
	fleetbpf_errno error;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
	__type(value, struct ptrace_event);
} events SEC(".maps");

/* A call that has begun, until it ends. Of too many at once the oldest are forgotten. */
struct call {
	__u32 request;
	__u32 target;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64); /* the thread */
	__type(value, struct call);
} calls SEC(".maps");

static __always_inline bool is_wanted(__u32 request)
{
	return every_request || request == TRACEME || request == ATTACH || request == SEIZE;
}

/* ptrace(request, pid, address, data) */
SEC("tracepoint/syscalls/sys_enter_ptrace")
int enter_ptrace(struct fleetbpf_sys_enter *enter)
{
	struct call call = {enter->arguments[0], enter->arguments[1]};
	__u64 thread = bpf_get_current_pid_tgid();

	if (is_wanted(call.request))
		bpf_map_update_elem(&calls, &thread, &call, BPF_ANY);
	return 0;
}

static __always_inline void tell(const struct call *call, __s64 result)
{
	struct ptrace_event *event = fleetbpf_reserve(&events, struct ptrace_event);

	if (!event)
		return;
	fleetbpf_stamp(event);
	event->request = call->request;
	event->target = call->request == TRACEME ? 0 : call->target;
	event->error = result < 0 ? result : 0;
	bpf_ringbuf_submit(event, 0);
}

SEC("tracepoint/syscalls/sys_exit_ptrace")
int exit_ptrace(struct fleetbpf_sys_exit *exit)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct call *call = bpf_map_lookup_elem(&calls, &thread);

	if (!call)
		return 0;
	tell(call, exit->result);
	bpf_map_delete_elem(&calls, &thread);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
