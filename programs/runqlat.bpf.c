// SPDX-License-Identifier: GPL-2.0-only
/*
 * runqlat: how long threads wait for a processor once they could run, as a histogram.
 *
 * Map      latencies: log2 slots of microseconds, per CPU
 * Constant only_pid: only this thread
 * Hooks    tracepoint/sched/{sched_wakeup,sched_wakeup_new,sched_switch}
 * Needs    kernel >= 5.10; no BTF
 * Overhead 1.1 µs for a sleep: one wake-up, two switches
 */
#include <linux/bpf.h>

#include <fleetbpf.h>

/* The bits of the states that sched_switch tells; one more says that the thread was preempted. */
#define STATE 0xff

const volatile __u32 only_pid = 0;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FLEETBPF_SLOTS);
	__type(key, __u32);
	__type(value, __u64);
} latencies SEC(".maps");

/* Since when a thread could run. Where more than these wait at once, the others are not counted. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, __u64);
} since SEC(".maps");

/* The format files of the three in /sys/kernel/tracing/events/sched, as far as 5.10 to 7.3 agree.
 */
struct sched_wakeup {
	__u64 common;
	char comm[16];
	__u32 pid;
};

struct sched_switch {
	__u64 common;
	char previous_comm[16];
	__u32 previous_pid;
	__s32 previous_priority;
	__u64 previous_state;
	char next_comm[16];
	__u32 next_pid;
};

static __always_inline void begin(__u32 pid)
{
	__u64 now = bpf_ktime_get_ns();

	/* 0 is the idle thread of each processor, which only waits for others. */
	if (pid && (!only_pid || pid == only_pid))
		bpf_map_update_elem(&since, &pid, &now, BPF_ANY);
}

static __always_inline void end(__u32 pid)
{
	__u64 *began = bpf_map_lookup_elem(&since, &pid);

	if (!began)
		return;
	fleetbpf_count_log2(&latencies, (bpf_ktime_get_ns() - *began) / 1000);
	bpf_map_delete_elem(&since, &pid);
}

SEC("tracepoint/sched/sched_wakeup")
int on_wakeup(struct sched_wakeup *call)
{
	begin(call->pid);
	return 0;
}

SEC("tracepoint/sched/sched_wakeup_new")
int on_wakeup_new(struct sched_wakeup *call)
{
	begin(call->pid);
	return 0;
}

SEC("tracepoint/sched/sched_switch")
int on_switch(struct sched_switch *call)
{
	/* It has to make room, but could go on: it waits from now on. */
	if (!(call->previous_state & STATE))
		begin(call->previous_pid);
	end(call->next_pid);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
