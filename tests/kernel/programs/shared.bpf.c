// SPDX-License-Identifier: GPL-2.0-only
/* Counts the getppid calls of the process `pid` in maps that its releases share. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct counts {
	__u32 one;
#ifdef WIDER
	__u32 another;
#endif
	__u64 calls;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, struct counts);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} shared_counts SEC(".maps");

/* Its size is the loader's. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, __u32);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} unsized_counts SEC(".maps");

/* Only one may read it: it is not shared. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} ring SEC(".maps");

const volatile __u32 pid;

SEC("raw_tp/sys_enter")
int count(struct bpf_raw_tracepoint_args *call)
{
	struct counts first = {.one = 1};
	struct counts *counts;
	__u32 zero = 0;
	__u64 *other;

	if (call->args[1] != 110 || bpf_get_current_pid_tgid() >> 32 != pid)
		return 0;
	bpf_map_update_elem(&shared_counts, &zero, &first, BPF_NOEXIST);
	counts = bpf_map_lookup_elem(&shared_counts, &zero);
	if (counts)
		__sync_fetch_and_add(&counts->calls, 1);
	other = bpf_map_lookup_elem(&unsized_counts, &zero);
	return other && *other;
}

char LICENSE[] SEC("license") = "GPL";
