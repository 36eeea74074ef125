// SPDX-License-Identifier: GPL-2.0-only
/* Declares the helper itself, as older programs do: its lines carry no label. */
#include <linux/bpf.h>

#define SEC(name) __attribute__((section(name), used))

static long (*print)(const char *format, __u32 size, ...) = (void *)BPF_FUNC_trace_printk;
static __u64 (*pid_tgid)(void) = (void *)BPF_FUNC_get_current_pid_tgid;

const volatile __u32 pid;

SEC("raw_tp/sys_enter")
int ping(struct bpf_raw_tracepoint_args *call)
{
	char format[] = "no label";

	if (call->args[1] == 110 && pid_tgid() >> 32 == pid)
		print(format, sizeof(format));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
