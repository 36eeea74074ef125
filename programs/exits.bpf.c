// SPDX-License-Identifier: GPL-2.0-only
/*
 * exits: one event for every process that ends: how, and how long it ran.
 *
 * Event    exit_event {time, pid, ppid, uid, comm, code, signal, core_dumped, duration}, of the
 *          ring `events`
 * Constant failed_only: leave out those that end with exit(0)
 *          min_duration: leave out those that ran shorter, in nanoseconds
 * Hook     tracepoint/sched/sched_process_exit
 * Needs    kernel >= 5.10 with BTF
 * Overhead 1.3 µs for the end of a process
 */
#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_core_read.h>
#include <fleetbpf.h>

const volatile bool failed_only = false;
const volatile __u64 min_duration = 0;

struct exit_event {
	fleetbpf_boottime time;
	fleetbpf_duration duration;
	__u32 pid;
	__u32 ppid;
	fleetbpf_uid uid;
	__u8 code; /* what it gave to exit() */
	bool core_dumped;
	fleetbpf_signal signal; /* that killed it, or 0 */
	char comm[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 512 * 1024);
	__type(value, struct exit_event);
} events SEC(".maps");

/* What is read of the kernel's structs: CO-RE finds these fields wherever they lie on a host. */
typedef struct {
	int counter;
} atomic_t;

struct signal_struct {
	atomic_t live;
} __attribute__((preserve_access_index));

struct task_struct {
	__s32 tgid;
	int exit_code;
	__u64 start_boottime;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct signal_struct *signal;
} __attribute__((preserve_access_index));

SEC("tracepoint/sched/sched_process_exit")
int on_exit(void *ctx)
{
	const struct task_struct *task = (void *)bpf_get_current_task();
	__u64 duration;
	struct exit_event *event;
	int status;

	/* A process ends with its last thread. */
	if (BPF_CORE_READ(task, signal, live.counter))
		return 0;
	/* As wait(2) has it: the exit code << 8, or the signal, with 0x80 for a core dump. */
	status = BPF_CORE_READ(task, exit_code);
	duration = bpf_ktime_get_boot_ns() - BPF_CORE_READ(task, group_leader, start_boottime);
	if (duration < min_duration || (failed_only && !status))
		return 0;
	event = fleetbpf_reserve(&events, struct exit_event);
	if (!event)
		return 0;
	fleetbpf_stamp(event);
	event->duration = duration;
	event->ppid = BPF_CORE_READ(task, real_parent, tgid);
	event->code = status >> 8;
	event->signal = status & 0x7f;
	event->core_dumped = status & 0x80;
	bpf_ringbuf_submit(event, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
