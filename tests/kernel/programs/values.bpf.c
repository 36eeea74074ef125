// SPDX-License-Identifier: GPL-2.0-only
/* Maps with values of every shape, filled at the first call of `pid`. */
#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>

enum colour { RED = 1, GREEN = -2 };
enum __attribute__((packed)) small { SMALL = -128 };

struct inner {
	__u16 port;
	__s64 balance;
};

struct value {
	__u8 byte;
	__s8 signed_byte;
	bool yes;
	char letter;
	__s32 negative;
	__u64 large;
	char text[8];
	__u8 bytes[3];
	__u32 low : 3;
	__s32 high : 5;
	enum colour colour;
	enum colour unknown;
	enum colour unnamed;
	enum colour few : 4;
	enum colour fewer : 4;
	enum small tiny;
	struct inner inner;
	struct inner several[2];
	union {
		__u32 word;
		__u16 half;
	};
	void *pointer;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct value);
} values SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} each_cpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 30000);
	__uint(key_size, 4);
	__uint(value_size, 16);
} many SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

const volatile __u32 pid;

SEC("raw_tp/sys_enter")
int fill(struct bpf_raw_tracepoint_args *call)
{
	__u32 zero = 0;
	struct value value = {
		.byte = 255,
		.signed_byte = -128,
		.yes = true,
		.letter = 'x',
		.negative = -5,
		.large = 18446744073709551615ull,
		.text = "a\"b",
		.bytes = {1, 2, 3},
		.low = 5,
		.high = -3,
		.colour = GREEN,
		.unknown = 7,
		.unnamed = -3,
		.few = GREEN,
		.fewer = RED,
		.tiny = -2,
		.inner = {.port = 443, .balance = -1},
		.several = {{.port = 1}, {.port = 2, .balance = 3}},
		.word = 65537,
		.pointer = (void *)0x1234,
	};
	__u32 *count;

	if (call->args[1] != 110 || bpf_get_current_pid_tgid() >> 32 != pid)
		return 0;
	bpf_map_update_elem(&values, &zero, &value, BPF_ANY);
	count = bpf_map_lookup_elem(&each_cpu, &zero);
	if (count)
		*count += 1;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
