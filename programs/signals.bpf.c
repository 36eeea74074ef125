// SPDX-License-Identifier: GPL-2.0-only
/*
 * signals: one event for every signal that a process sends, with kill() or its like.
 *
 * Event    signal_event {time, pid, uid, comm, signal, result, code, target, target_comm}, of the
 *          ring `events`
 * Constant only_signal: only this one, 9 for instance
 *          kernel_too: those of the kernel as well: SIGCHLD, SIGSEGV, timers
 * Hook     tracepoint/signal/signal_generate
 * Needs    kernel >= 5.10; no BTF
 * Overhead 0.6 µs for a signal
 */
#include <linux/bpf.h>
#include <stdbool.h>

#include <fleetbpf.h>

const volatile __s32 only_signal = 0;
const volatile bool kernel_too = false;

/* The kernel's include/trace/events/signal.h. */
enum result {
	DELIVERED,
	IGNORED,
	ALREADY_PENDING,
	OVERFLOW_FAIL,
	LOSE_INFO,
};

/* Of asm-generic/siginfo.h: how a process sent it. */
enum code {
	USER = 0, /* kill() */
	QUEUE = -1,
	TKILL = -6,
};

/* A signal that the sender may not send is none: the call fails before. */
struct signal_event {
	fleetbpf_boottime time;
	__u32 pid; /* the sender */
	fleetbpf_uid uid;
	char comm[16];
	fleetbpf_signal signal;
	enum result result;
	enum code code;
	__u32 target; /* a thread, of the process that has it */
	char target_comm[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 512 * 1024);
	__type(value, struct signal_event);
} events SEC(".maps");

/* /sys/kernel/tracing/events/signal/signal_generate/format: the same from 5.10 to 7.3. */
struct signal_generate {
	__u64 common;
	__s32 signal;
	__s32 error;
	__s32 code;
	char comm[16];
	__s32 pid;
	__s32 group;
	__s32 result;
};

static __always_inline bool is_sent(__s32 code)
{
	return code == USER || code == QUEUE || code == TKILL;
}

SEC("tracepoint/signal/signal_generate")
int on_signal(struct signal_generate *call)
{
	struct signal_event *event;

	if (only_signal && call->signal != only_signal)
		return 0;
	if (!kernel_too && !is_sent(call->code))
		return 0;
	event = fleetbpf_reserve(&events, struct signal_event);
	if (!event)
		return 0;
	fleetbpf_stamp(event);
	event->signal = call->signal;
	event->result = call->result;
	event->code = call->code;
	event->target = call->pid;
	__builtin_memcpy(event->target_comm, call->comm, sizeof(event->target_comm));
	bpf_ringbuf_submit(event, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
