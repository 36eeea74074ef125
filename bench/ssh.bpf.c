// SPDX-License-Identifier: GPL-2.0-only
/*
 * What bench/ssh.py deploys. Its hook fires when memory runs out, so that hundreds of it on one
 * kernel cost nobody anything; a raw one, because a plain tracepoint takes 64 programs.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} victims SEC(".maps");

SEC("raw_tp/mark_victim")
int on_victim(void *ctx)
{
	__u32 zero = 0;
	__u64 *count = bpf_map_lookup_elem(&victims, &zero);

	if (count)
		__sync_fetch_and_add(count, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
