// SPDX-License-Identifier: GPL-2.0-only
/*
 * biolat: how long requests to disks take, as a histogram for each disk and operation.
 *
 * Map      latencies: {major, minor, operation} and log2 slots of microseconds
 * Hooks    tracepoint/block/{block_rq_issue,block_rq_complete}
 * Needs    kernel >= 5.10 with BTF
 * Overhead not measured: two short functions for a request, which takes 10 µs or more
 */
#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <fleetbpf.h>

#define MINOR_BITS 20 /* the kernel's include/linux/kdev_t.h */

enum operation {
	READ,
	WRITE,
	OTHER, /* flush, discard, … */
};

struct latency {
	__u32 major; /* of the disk, as `lsblk` shows it; a partition's counts for its disk */
	__u32 minor;
	enum operation operation;
	__u32 slot;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__type(key, struct latency);
	__type(value, __u64);
} latencies SEC(".maps");

/* A request at the device, until it is done. Of too many at once the oldest are forgotten. */
struct request {
	__u64 sector;
	__u64 device;
};

struct issue {
	__u64 time;
	__u64 operation;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 10240);
	__type(key, struct request);
	__type(value, struct issue);
} issued SEC(".maps");

/* By CO-RE: what lies before rwbs became more in 6.9. */
struct trace_event_raw_block_rq {
	__u32 dev;
	__u64 sector;
	char rwbs[8]; /* "R", "WS", "FF", …: the first letter is what it does */
} __attribute__((preserve_access_index));

/* What /sys/kernel/tracing/events/block/block_rq_complete/format begins with, from 5.10 to 7.3. */
struct block_rq_complete {
	__u64 common;
	__u32 dev;
	__u64 sector;
};

static __always_inline enum operation operation_of(char letter)
{
	switch (letter) {
	case 'R':
		return READ;
	case 'W':
		return WRITE;
	default:
		return OTHER;
	}
}

SEC("tracepoint/block/block_rq_issue")
int on_issue(struct trace_event_raw_block_rq *call)
{
	struct request request = {.sector = call->sector, .device = call->dev};
	struct issue issue = {bpf_ktime_get_ns(), operation_of(call->rwbs[0])};

	bpf_map_update_elem(&issued, &request, &issue, BPF_ANY);
	return 0;
}

SEC("tracepoint/block/block_rq_complete")
int on_complete(struct block_rq_complete *call)
{
	struct request request = {.sector = call->sector, .device = call->dev};
	struct issue *issue = bpf_map_lookup_elem(&issued, &request);
	struct latency latency;

	if (!issue)
		return 0;
	latency.major = request.device >> MINOR_BITS;
	latency.minor = request.device & ((1 << MINOR_BITS) - 1);
	latency.operation = issue->operation;
	latency.slot = fleetbpf_log2((bpf_ktime_get_ns() - issue->time) / 1000);
	fleetbpf_count(&latencies, &latency);
	bpf_map_delete_elem(&issued, &request);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
