// SPDX-License-Identifier: GPL-2.0-only
/* Prints in each way that there is when the process `pid` calls getppid. */
#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

const volatile __u32 pid;
const volatile char long_one[401];

#define TEN(text) text text text text text text text text text text

static void print_all_arities(void)
{
	bpf_printk("0");
	bpf_printk("1 %d", 1);
	bpf_printk("2 %d %d", 1, 2);
	bpf_printk("3 %d %d %d", 1, 2, 3);
	bpf_printk("4 %d %d %d %d", 1, 2, 3, 4);
	bpf_printk("5 %d %d %d %d %d", 1, 2, 3, 4, 5);
	bpf_printk("6 %d %d %d %d %d %d", 1, 2, 3, 4, 5, 6);
	bpf_printk("7 %d %d %d %d %d %d %d", 1, 2, 3, 4, 5, 6, 7);
	bpf_printk("8 %d %d %d %d %d %d %d %d", 1, 2, 3, 4, 5, 6, 7, 8);
	bpf_printk("9 %d %d %d %d %d %d %d %d %d", 1, 2, 3, 4, 5, 6, 7, 8, 9);
	bpf_printk("10 %d %d %d %d %d %d %d %d %d %d", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
	bpf_printk("11 %d %d %d %d %d %d %d %d %d %d %d", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
	bpf_printk("12 %d %d %d %d %d %d %d %d %d %d %d %d", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
		   12);
}

static void print_odd_shapes(void)
{
	bpf_printk("");
	bpf_printk("\n");
	bpf_printk("\n\n");
	bpf_printk("%s%s", long_one, long_one);
	bpf_printk(TEN(TEN("a dozen text")));
	bpf_printk("\xff\xfe");
}

/* Not by way of bpf_printk: there is no label. */
static void print_without_label(void)
{
	static const char by_hand[] = "by hand";

	__bpf_printk("on the stack %d", 1);
	__bpf_vprintk("of the other family %d %d", 1, 2);
	bpf_trace_printk(by_hand, sizeof(by_hand));
}

SEC("raw_tp/sys_enter")
int print(struct bpf_raw_tracepoint_args *call)
{
	if (call->args[1] != 110 || bpf_get_current_pid_tgid() >> 32 != pid)
		return 0;
	print_all_arities();
	print_odd_shapes();
	print_without_label();
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
