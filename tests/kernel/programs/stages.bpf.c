// SPDX-License-Identifier: GPL-2.0-only
/* Each stage prints, and calls the next one, at every getppid of the process `pid`. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

int second(struct bpf_raw_tracepoint_args *call);
int third(struct bpf_raw_tracepoint_args *call);
int fourth(struct bpf_raw_tracepoint_args *call);
int typed_second(unsigned long long *call);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, sizeof(__u32));
	__array(values, int(void *));
} stages SEC(".maps") = {
	.values = {[1] = (void *)&second, [2] = (void *)&third, [3] = (void *)&fourth},
};

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__array(values, int(void *));
} typed_stages SEC(".maps") = {.values = {(void *)&typed_second}};

const volatile __u32 pid;

static bool is_ours(long number)
{
	return number == 110 && bpf_get_current_pid_tgid() >> 32 == pid;
}

SEC("raw_tp/sys_enter")
int first(struct bpf_raw_tracepoint_args *call)
{
	if (!is_ours(call->args[1]))
		return 0;
	bpf_printk("first");
	bpf_tail_call(call, &stages, 1);
	return 0;
}

SEC("raw_tp")
int second(struct bpf_raw_tracepoint_args *call)
{
	bpf_printk("second");
	bpf_tail_call(call, &stages, 2);
	return 0;
}

SEC("?raw_tp/sys_enter")
int third(struct bpf_raw_tracepoint_args *call)
{
	bpf_printk("third");
	bpf_tail_call(call, &stages, 3);
	return 0;
}

/* Were it attached as well, it would print twice. */
SEC("raw_tp/sys_enter")
int fourth(struct bpf_raw_tracepoint_args *call)
{
	if (is_ours(call->args[1]))
		bpf_printk("fourth");
	return 0;
}

SEC("tp_btf/sys_enter")
int typed(unsigned long long *call)
{
	if (is_ours((long)call[1]))
		bpf_tail_call(call, &typed_stages, 0);
	return 0;
}

SEC("tp_btf")
int typed_second(unsigned long long *call)
{
	bpf_printk("typed %ld", (long)call[1]);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
