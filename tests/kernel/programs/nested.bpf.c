// SPDX-License-Identifier: GPL-2.0-only
/* Sends an event into a ring of each map of maps at every getppid of the process `pid`. */
#include <linux/bpf.h>

#include <fleetbpf.h>

struct fired {
	__u32 number;
};

struct ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
	__type(value, struct fired);
};

struct ring even SEC(".maps"), odd SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct ring);
} listed SEC(".maps") = {.values = {&even, &odd}};

/* Its size is the loader's. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__type(value, struct fired);
} named SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 8);
	__type(key, __u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_RINGBUF);
			__type(value, struct fired);
		});
} hashed SEC(".maps") = {.values = {[7] = (void *)&named}};

/* Nothing is in it yet, and its inner maps leave their size to the loader. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_HASH);
			__type(key, __u32);
			__type(value, __u64);
		});
} empty SEC(".maps");

const volatile __u32 pid;
static __u32 count;

static void send(void *outer, __u32 key, __u32 number)
{
	struct fired event = {.number = number};
	void *ring = bpf_map_lookup_elem(outer, &key);

	if (ring)
		bpf_ringbuf_output(ring, &event, sizeof(event), 0);
}

SEC("raw_tp/sys_enter")
int fire(struct bpf_raw_tracepoint_args *call)
{
	__u32 number, zero = 0;
	void *inner;

	if (call->args[1] != 110 || bpf_get_current_pid_tgid() >> 32 != pid)
		return 0;
	number = count++;
	send(&listed, number & 1, number);
	send(&hashed, 7, number);
	inner = bpf_map_lookup_elem(&empty, &zero);
	return inner && bpf_map_lookup_elem(inner, &zero);
}

char LICENSE[] SEC("license") = "GPL";
