// SPDX-License-Identifier: GPL-2.0-only
/* The kinds of hook that not every kernel has. */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

SEC("kprobe.multi")
int on_kprobe_multi(void *ctx)
{
	bpf_printk("seen by kprobe_multi");
	return 0;
}

SEC("kretprobe.multi")
int on_kretprobe_multi(void *ctx)
{
	bpf_printk("seen by kretprobe_multi");
	return 0;
}
