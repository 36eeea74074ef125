// SPDX-License-Identifier: GPL-2.0-only
/*
 * tail_calls: how each process ended, by a function for each way.
 *
 * The hook calls what the map of programs holds for the way. Both functions there are loaded and
 * attached nowhere: tail calls go there.
 */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <fleetbpf.h>

enum way { ENDED, KILLED };

int ended(struct bpf_raw_tracepoint_args *ctx);
int killed(struct bpf_raw_tracepoint_args *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, sizeof(__u32));
	__array(values, int(void *));
} ways SEC(".maps") = {
	.values = {[ENDED] = (void *)&ended, [KILLED] = (void *)&killed},
};

static int exit_code(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx->args[0];

	return BPF_CORE_READ(task, exit_code);
}

SEC("raw_tp/sched_process_exit")
int on_exit(struct bpf_raw_tracepoint_args *ctx)
{
	bpf_tail_call(ctx, &ways, exit_code(ctx) & 0x7f ? KILLED : ENDED);
	return 0;
}

SEC("raw_tp")
int ended(struct bpf_raw_tracepoint_args *ctx)
{
	bpf_printk("status %d", exit_code(ctx) >> 8);
	return 0;
}

SEC("raw_tp")
int killed(struct bpf_raw_tracepoint_args *ctx)
{
	bpf_printk("signal %d", exit_code(ctx) & 0x7f);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
