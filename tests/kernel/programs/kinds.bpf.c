// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sends structs of two kinds, and a value that stands for none, on one ring at every getppid of
 * the process `pid`; none of them says by its types what its fields are.
 */
#include <linux/bpf.h>

#include <fleetbpf.h>

enum kind { OPENED = 1, CLOSED = 2 };

struct opened {
	enum kind kind;
	__u32 address;
	struct {
		__u8 raw[3];
		__u8 mac[6];
	} inner[2];
	__u8 tail[];
};

struct closed {
	enum kind kind;
	__u32 took;
	__u8 name[4];
};

const struct opened *an_opened;
const struct closed *a_closed;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

const volatile __u32 pid;

SEC("raw_tp/sys_enter")
int fire(struct bpf_raw_tracepoint_args *call)
{
	unsigned char opened[29] = {1, 0, 0, 0, 127, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7};
	unsigned char closed[12] = {2, 0, 0, 0, 0x40, 0x42, 0x0f, 0, 'a', 0, 'b', 'c'};
	unsigned char other[5] = {3, 0, 0, 0, 9};

	if (call->args[1] != 110 || bpf_get_current_pid_tgid() >> 32 != pid)
		return 0;
	opened[26] = 'h';
	opened[27] = 'i';
	fleetbpf_output(&events, opened, sizeof(opened));
	fleetbpf_output(&events, closed, sizeof(closed));
	fleetbpf_output(&events, other, sizeof(other));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
