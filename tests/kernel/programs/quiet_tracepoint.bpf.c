// SPDX-License-Identifier: Apache-2.0
/* A tracepoint, and nothing that prints: of tracefs it needs the tracepoint's number alone. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

SEC("tracepoint/syscalls/sys_enter_getppid")
int count(void *context)
{
	return 0;
}
