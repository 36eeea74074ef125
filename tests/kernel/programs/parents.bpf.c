// SPDX-License-Identifier: GPL-2.0-only
/* Reads what only the kernel's types can place, from a hook that needs none of them. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

const volatile u32 pid;

SEC("raw_tp/sys_enter")
int ping(struct bpf_raw_tracepoint_args *call)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	if (call->args[1] == 110 && bpf_get_current_pid_tgid() >> 32 == pid)
		bpf_printk("parent %d", BPF_CORE_READ(task, real_parent, tgid));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
