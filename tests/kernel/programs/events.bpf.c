// SPDX-License-Identifier: GPL-2.0-only
/* Sends an event of each kind at every getppid of the process `pid`. */
#include <linux/bpf.h>
#include <stdbool.h>

#include <fleetbpf.h>

enum colour { RED = 1, GREEN = -2 };

struct inner {
	__u16 port;
	__s64 balance;
};

struct fired {
	__u64 number;
	void *pointer;
	__u32 low : 3;
	__s32 high : 5;
	enum colour colour;
	struct inner inner;
	union {
		__u32 word;
		__u16 half;
	};
	bool yes;
	char text[8];
};

struct with_tail {
	__u32 number;
	__u8 kind;
	char bytes[];
};

struct short_one {
	__u16 number;
};

/* Nothing else would bring these into the BTF. */
const struct with_tail *tailed;
const struct short_one *shorter;

/* One page: the smallest that there is. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
	__type(value, struct fired);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} raw SEC(".maps");

const volatile __u32 pid;
const volatile __u32 raw_size;

static __u64 count;

SEC("raw_tp/sys_enter")
int fire(struct bpf_raw_tracepoint_args *call)
{
	unsigned char bytes[8] = {7, 0, 0, 0, 1, 'a', 0xff, 0};
	struct fired *event;

	if (call->args[1] != 110 || bpf_get_current_pid_tgid() >> 32 != pid)
		return 0;
	if (raw_size && raw_size <= sizeof(bytes))
		fleetbpf_output(&raw, bytes, raw_size);
	event = fleetbpf_reserve(&events, struct fired);
	if (!event)
		return 0;
	event->number = __sync_fetch_and_add(&count, 1);
	event->pointer = (void *)0xffff888000001234;
	event->low = 5;
	event->high = -3;
	event->colour = GREEN;
	event->inner.port = 443;
	event->inner.balance = -1;
	event->word = 65537;
	event->yes = true;
	__builtin_memcpy(event->text, "a\"\n\x01\xff\\b", 8);
	bpf_ringbuf_submit(event, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
