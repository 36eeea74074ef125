// SPDX-License-Identifier: GPL-2.0-only
/* The verifier must refuse this one: it reads through a number. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("raw_tp/sys_enter")
int reads_anywhere(struct bpf_raw_tracepoint_args *call)
{
	return *(int *)call->args[0];
}

char LICENSE[] SEC("license") = "GPL";
