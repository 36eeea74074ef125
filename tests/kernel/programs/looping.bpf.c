// SPDX-License-Identifier: GPL-2.0-only
/* Calls itself by a tail call, three times at every getppid of the process `pid`. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

int again(struct bpf_raw_tracepoint_args *call);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__array(values, int(void *));
} myself SEC(".maps") = {.values = {(void *)&again}};

const volatile __u32 pid;
static __u32 times;

SEC("raw_tp/sys_enter")
int again(struct bpf_raw_tracepoint_args *call)
{
	if (call->args[1] != 110 || bpf_get_current_pid_tgid() >> 32 != pid)
		return 0;
	bpf_printk("time %d", ++times);
	if (times < 3)
		bpf_tail_call(call, &myself, 0);
	return 0;
}

/* Nothing holds it. */
SEC("?raw_tp/sys_enter")
int aside(struct bpf_raw_tracepoint_args *call)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
