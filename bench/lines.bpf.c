// SPDX-License-Identifier: GPL-2.0-only
/* One line at every getppid of the process `pid`. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

const volatile __u32 pid;

SEC("tracepoint/syscalls/sys_enter_getppid")
int fired(void *call)
{
	if (bpf_get_current_pid_tgid() >> 32 == pid)
		bpf_printk("fired by %d", pid);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
