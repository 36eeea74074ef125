// SPDX-License-Identifier: GPL-2.0-only
/* One event at every getppid of the process `pid`; all readers of bench/events.py read it. */
#include <linux/bpf.h>

#include <fleetbpf.h>

struct event {
	__u64 number;
	__u32 pid;
	__u32 uid;
	char comm[16];
	__u64 at;
	__s64 result;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 * 1024 * 1024);
	__type(value, struct event);
} events SEC(".maps");

const volatile __u32 pid;

static __u64 count;

SEC("tracepoint/syscalls/sys_enter_getppid")
int fired(void *call)
{
	struct event *event;
	__u64 task = bpf_get_current_pid_tgid();

	if (task >> 32 != pid)
		return 0;
	event = fleetbpf_reserve(&events, struct event);
	if (!event)
		return 0;
	event->number = __sync_fetch_and_add(&count, 1);
	event->pid = (__u32)task;
	event->uid = (__u32)bpf_get_current_uid_gid();
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	event->at = bpf_ktime_get_ns();
	event->result = -1;
	bpf_ringbuf_submit(event, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
