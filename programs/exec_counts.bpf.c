// SPDX-License-Identifier: GPL-2.0-only
/*
 * exec_counts: how often each command was executed.
 *
 * Map      counts: command name -> number of executions since the start
 * Hook     tracepoint/sched/sched_process_exec
 * Needs    kernel >= 5.10 and tracefs; no BTF
 * Overhead 1.4 µs of a start, which takes some 500 (kernel.bpf_stats_enabled, a busy machine)
 */
#include <linux/bpf.h>

#include <fleetbpf.h>

/* The command that was seen least recently goes when there are more of them than fit. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 10240);
	__type(key, char[16]);
	__type(value, __u64);
} counts SEC(".maps");

SEC("tracepoint/sched/sched_process_exec")
int count_exec(void *event)
{
	char command[16];

	if (!bpf_get_current_comm(command, sizeof(command)))
		fleetbpf_count(&counts, command);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
