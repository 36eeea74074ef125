// SPDX-License-Identifier: GPL-2.0-only
/* A function that no verifier takes, and one that all do. */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

SEC("?raw_tp")
int refused(struct bpf_raw_tracepoint_args *ctx)
{
	return *(volatile int *)8;
}

SEC("?raw_tp")
int fine(struct bpf_raw_tracepoint_args *ctx)
{
	return 0;
}
