// SPDX-License-Identifier: GPL-2.0-only
/* Functions for the hooks that need more than a name: counters, USDT probes, writable ones. */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/usdt.bpf.h>

const volatile __u32 pid;

static bool ours(void)
{
	return bpf_get_current_pid_tgid() >> 32 == pid;
}

SEC("?perf_event")
int on_counter(struct bpf_perf_event_data *sample)
{
	bpf_printk("sample on %d", bpf_get_smp_processor_id());
	return 0;
}

SEC("?usdt")
int BPF_USDT(on_probe, int argument)
{
	bpf_printk("probe %d", argument);
	return 0;
}

SEC("?raw_tp.w")
int on_writable(struct bpf_raw_tracepoint_args *call)
{
	if (call->args[1] == 110 && ours())
		bpf_printk("writable");
	return 0;
}

SEC("?kprobe")
int on_kernel(void *registers)
{
	return 0;
}

SEC("?kprobe.multi")
int on_kernels(void *registers)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
