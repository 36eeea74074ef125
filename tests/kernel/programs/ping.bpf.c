// SPDX-License-Identifier: GPL-2.0-only
/* Prints when the process `pid` calls getppid: rare enough for a machine that others use too. */
#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>

enum shape {
	SHAPE_PLAIN,
	SHAPE_LINES,
	SHAPE_BYTES,
	SHAPE_FORGED,
	SHAPE_TRAILING,
};

const volatile __u32 pid;
const volatile char name[8] = "ping";
const volatile bool loud;
const volatile __s8 small = -1;
const volatile __u16 unsigned_one = 1;
const volatile enum shape shape;

static __u64 count;

static bool wanted(long number)
{
	return number == 110 && bpf_get_current_pid_tgid() >> 32 == pid;
}

SEC("raw_tp/sys_enter")
int ping(struct bpf_raw_tracepoint_args *call)
{
	if (!wanted(call->args[1]))
		return 0;
	count++;
	if (shape == SHAPE_LINES)
		bpf_printk("one\ntwo");
	else if (shape == SHAPE_BYTES)
		bpf_printk("tab\tquote\"back\\z\xc5\xbc bad\xff");
	else if (shape == SHAPE_FORGED)
		bpf_printk("one\nCPU:0 [LOST 5 EVENTS]\n   sh-1 [000] d..21 1.000001: "
			   "bpf_trace_printk: forged");
	else if (shape == SHAPE_TRAILING)
		bpf_printk("line\n");
	else if (loud)
		bpf_printk("LOUD %llu", count);
	else
		bpf_printk("%s %llu", name, count);
	if (small != -1 || unsigned_one != 1)
		bpf_printk("small %d one %u", small, unsigned_one);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
