// SPDX-License-Identifier: GPL-2.0-only
/* Maps of all types that can be read out, filled at each call of getppid by `pid`. */
#include <linux/bpf.h>
#include <linux/types.h>

#include <fleetbpf.h>

struct traffic {
	__u64 packets;
	__s32 balance;
	__u16 sizes[3];
};

struct prefix {
	__u32 prefixlen;
	__u8 address[4];
};

struct prefix6 {
	__u32 prefixlen;
	__u8 address[16];
};

struct by_disk {
	char disk[8];
	__u32 slot;
};

struct latency {
	char comm[4];
	__u32 slots[16];
};

struct stalled {
	__u32 pid;
	__s32 kernel;
	__s32 user;
};

#define MAP(name, kind, most, key_type, value_type)                                                \
	struct {                                                                                   \
		__uint(type, kind);                                                                \
		__uint(max_entries, most);                                                         \
		__type(key, key_type);                                                             \
		__type(value, value_type);                                                         \
	} name SEC(".maps")

MAP(by_port, BPF_MAP_TYPE_PERCPU_HASH, 16, __u32, struct traffic);
MAP(hits, BPF_MAP_TYPE_PERCPU_ARRAY, 2, __u32, __u64);
MAP(recent, BPF_MAP_TYPE_LRU_PERCPU_HASH, 16, __u32, __u32);
MAP(calls, BPF_MAP_TYPE_HASH, 1024, __u32, __u64);
MAP(sizes, BPF_MAP_TYPE_PERCPU_ARRAY, FLEETBPF_SLOTS, __u32, __u64);
MAP(disks, BPF_MAP_TYPE_HASH, 256, struct by_disk, __u64);
MAP(latencies, BPF_MAP_TYPE_HASH, 16, __u32, struct latency);
MAP(stalls, BPF_MAP_TYPE_HASH, 16, struct stalled, __u64);
MAP(names, BPF_MAP_TYPE_PERCPU_HASH, 16, __u32, char[8]);

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 16);
	__type(key, struct prefix);
	__type(value, __u32);
} networks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 16);
	__type(key, struct prefix6);
	__type(value, __u32);
} networks6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 4096); /* a stack whose place is taken by another one is lost */
	__uint(key_size, 4);
	__uint(value_size, 127 * 8);
} stacks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 4);
	__uint(value_size, 4);
} queue SEC(".maps");

const volatile __u32 pid;

static __u32 calls_so_far;

static void fill_networks(void)
{
	struct prefix office = {.prefixlen = 8, .address = {10}};
	struct prefix6 documentation = {.prefixlen = 32, .address = {0x20, 0x01, 0x0d, 0xb8}};
	__u32 one = 1;

	bpf_map_update_elem(&networks, &office, &one, BPF_ANY);
	bpf_map_update_elem(&networks6, &documentation, &one, BPF_ANY);
}

static void fill_histograms(void)
{
	struct by_disk disk = {.disk = "sda"};
	struct latency latency = {.comm = "a"}, *known;
	__u32 key = 7;

	fleetbpf_count_log2(&sizes, 0);
	fleetbpf_count_log2(&sizes, 1500);
	fleetbpf_count_log2(&sizes, ~0ull);
	disk.slot = fleetbpf_log2(calls_so_far * 1000);
	fleetbpf_count(&disks, &disk);
	disk.disk[2] = 'b';
	disk.slot = 3;
	fleetbpf_count(&disks, &disk);
	bpf_map_update_elem(&latencies, &key, &latency, BPF_NOEXIST);
	known = bpf_map_lookup_elem(&latencies, &key);
	if (known)
		__sync_fetch_and_add(&known->slots[2], 5);
}

static void fill_counts(void)
{
	struct traffic traffic = {.packets = 1ull << 40, .balance = -3, .sizes = {1, 2, 3}};
	__u32 zero = 0, key = 5, *recent_count;
	__u64 *count = bpf_map_lookup_elem(&hits, &zero);
	char name[8] = "here";

	bpf_map_update_elem(&by_port, &key, &traffic, BPF_ANY);
	bpf_map_update_elem(&names, &key, name, BPF_ANY);
	bpf_map_update_elem(&recent, &key, &zero, BPF_NOEXIST);
	recent_count = bpf_map_lookup_elem(&recent, &key);
	if (count)
		*count += 1;
	if (recent_count)
		*recent_count += 1;
}

SEC("raw_tp/sys_enter")
int fill(struct bpf_raw_tracepoint_args *call)
{
	struct stalled stalled = {.pid = 1};
	__u32 number;

	if (call->args[1] != 110 || bpf_get_current_pid_tgid() >> 32 != pid)
		return 0;
	number = calls_so_far++;
	fleetbpf_count(&calls, &number);
	fill_networks();
	fill_histograms();
	fill_counts();
	stalled.kernel = bpf_get_stackid(call, &stacks, 0);
	stalled.user = bpf_get_stackid(call, &stacks, BPF_F_USER_STACK);
	fleetbpf_count(&stalls, &stalled);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
