// SPDX-License-Identifier: GPL-2.0-only
/* Prints its constants, which are of every type that can be set, when `pid` calls getppid. */
#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>

enum verdict { VERDICT_PASS, VERDICT_DROP = 5, VERDICT_LAST = -3 };

struct limits {
	__u16 low;
	__s64 high;
	struct {
		char name[6];
		__u8 weights[3];
	} inner;
	union {
		__u32 word;
		__u8 part;
	};
	__u32 narrow : 3;
	__s32 wide : 9;
	enum verdict bits : 4;
};

const volatile __u32 pid;
const volatile struct limits limits = {.low = 7, .inner.weights = {1, 2, 3}};
const volatile __u64 sizes[4] = {1, 2, 3, 4};
const volatile enum verdict verdict, other, third;
const volatile bool flags[2];
const volatile __u8 tiny;
const volatile __s32 number;

SEC("raw_tp/sys_enter")
int tell(struct bpf_raw_tracepoint_args *call)
{
	if (call->args[1] != 110 || bpf_get_current_pid_tgid() >> 32 != pid)
		return 0;
	bpf_printk("%d %lld %s", limits.low, limits.high, (const char *)limits.inner.name);
	bpf_printk("%d %d %d", limits.inner.weights[0], limits.inner.weights[1],
		   limits.inner.weights[2]);
	bpf_printk("%u %d %d", limits.word, limits.narrow, limits.wide);
	bpf_printk("%llu %llu %llu", sizes[0], sizes[2], sizes[3]);
	bpf_printk("%d %d", verdict, other);
	bpf_printk("%d %d %d", flags[0], flags[1], tiny);
	bpf_printk("%d", number);
	bpf_printk("%d %d", limits.bits, third);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
