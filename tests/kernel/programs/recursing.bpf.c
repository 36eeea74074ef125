// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program that would run inside of itself, which the kernel does not let it: reading where
 * nothing is mapped is a page fault in the kernel, and it hangs on these. A call of `pid` begins.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>

const volatile __u32 pid;

static void fault(void)
{
	char byte;

	bpf_probe_read_user(&byte, sizeof(byte), (void *)8);
}

static bool wanted(void)
{
	return bpf_get_current_pid_tgid() >> 32 == pid;
}

SEC("raw_tp/sys_enter")
int first(struct bpf_raw_tracepoint_args *call)
{
	if (call->args[1] == 110 && wanted())
		fault();
	return 0;
}

SEC("raw_tp/page_fault_kernel")
int inside(struct bpf_raw_tracepoint_args *context)
{
	if (wanted() && context->args[0] == 8)
		fault();
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
