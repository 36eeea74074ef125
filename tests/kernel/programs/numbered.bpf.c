// SPDX-License-Identifier: GPL-2.0-only
/* Tells each setpriority(WHICH, number, thread), as an event or as a line; of one process, or any. */
#include <linux/bpf.h>
#include <stdbool.h>

#include <fleetbpf.h>

#define WHICH 77777 /* no such thing has a priority */

struct numbered {
	__u32 thread;
	__u32 number;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 32 * 1024 * 1024);
	__type(value, struct numbered);
} events SEC(".maps");

const volatile __u32 pid; /* 0: any */
const volatile bool print;
const volatile __u32 settings; /* so that releases may differ */

SEC("tracepoint/syscalls/sys_enter_setpriority")
int fire(struct fleetbpf_sys_enter *call)
{
	struct numbered *event;

	if (call->arguments[0] != WHICH || (pid && bpf_get_current_pid_tgid() >> 32 != pid))
		return 0;
	if (print) {
		bpf_printk("%llu %llu", call->arguments[2], call->arguments[1]);
		return 0;
	}
	event = fleetbpf_reserve(&events, struct numbered);
	if (!event)
		return 0;
	event->thread = call->arguments[2];
	event->number = call->arguments[1];
	bpf_ringbuf_submit(event, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
