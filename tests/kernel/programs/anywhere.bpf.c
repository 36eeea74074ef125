// SPDX-License-Identifier: GPL-2.0-only
/* Functions whose sections name no hook, and one in a section that libbpf does not know. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

const volatile __u32 pid;

SEC("?raw_tp")
int on_call(struct bpf_raw_tracepoint_args *call)
{
	if (call->args[1] == 110 && bpf_get_current_pid_tgid() >> 32 == pid)
		bpf_printk("raw");
	return 0;
}

SEC("?tp_btf")
int on_typed(__u64 *call)
{
	if (call[1] == 110 && bpf_get_current_pid_tgid() >> 32 == pid)
		bpf_printk("typed");
	return 0;
}

struct sys_enter {
	__u64 common;
	__s32 number;
};

SEC("?tracepoint")
int on_tracepoint(struct sys_enter *call)
{
	if (bpf_get_current_pid_tgid() >> 32 == pid)
		bpf_printk("tracepoint %d", call->number);
	return 0;
}

SEC("?uprobe")
int on_function(void *registers)
{
	bpf_printk("called");
	return 0;
}

SEC("?fentry")
int on_entry(void *registers)
{
	return 0;
}

SEC("?kprobe")
int on_kernel(void *registers)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
