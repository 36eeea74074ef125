// SPDX-License-Identifier: GPL-2.0-only
/* Never loaded: a record for each thing that the encoders know. */
#include <linux/bpf.h>
#include <stdbool.h>

#include <fleetbpf.h>

enum colour {
	RED = 1,
	GREEN = -2,
};

union either {
	__u64 number;
	struct {
		__s16 low;
		char high[6];
	};
};

struct event {
	char comm[16];
	__s8 small;
	bool yes;
	enum colour colour;
	__u64 large;
	__int128 huge;
	float ratio;
	double precise;
	void *pointer;
	__u32 low : 3;
	__s32 high : 29;
	union either either;
	struct {
		__u16 inner[2][3];
		union either pair[2];
	};
	char names[3][5];
	unsigned char raw[7];
};

struct hinted {
	fleetbpf_ipv4 addresses[2];
	fleetbpf_ipv6 v6;
	fleetbpf_mac mac;
	fleetbpf_port port;
	fleetbpf_uid uid;
	fleetbpf_gid gid;
	fleetbpf_syscall syscall;
	fleetbpf_signal signal;
	fleetbpf_errno error;
	fleetbpf_ksym function;
	fleetbpf_boottime at;
	fleetbpf_duration took;
	fleetbpf_bytes bytes;
};

struct tailed {
	__u32 size;
	__u8 rest[];
};

struct texted {
	__u8 kind;
	char text[];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
	__type(value, struct event);
} events SEC(".maps");

const struct hinted *hinted;
const struct tailed *tailed;
const struct texted *texted;

SEC("raw_tp/sys_enter")
int on_call(void *context)
{
	return !context;
}

char LICENSE[] SEC("license") = "GPL";
