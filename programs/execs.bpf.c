// SPDX-License-Identifier: GPL-2.0-only
/*
 * execs: one event for every program that is executed.
 *
 * Event    exec_event {pid, uid, comm, filename}, of the ring `events`
 * Hook     tracepoint/sched/sched_process_exec
 * Needs    kernel >= 5.10; no BTF
 */
#include <linux/bpf.h>

#include <fleetbpf.h>

/* filename: cut after 255 bytes. */
struct exec_event {
	__u32 pid;
	__u32 uid;
	char comm[16];
	char filename[256];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1024 * 1024);
	__type(value, struct exec_event);
} events SEC(".maps");

/* /sys/kernel/tracing/events/sched/sched_process_exec/format: the same from 5.10 to 7.3. */
struct sched_process_exec {
	__u64 common;
	__u32 filename; /* where it lies in here: its offset, and its length << 16 */
	__s32 pid;
	__s32 old_pid;
};

SEC("tracepoint/sched/sched_process_exec")
int on_exec(struct sched_process_exec *call)
{
	struct exec_event *event = fleetbpf_reserve(&events, struct exec_event);

	if (!event)
		return 0;
	event->pid = bpf_get_current_pid_tgid() >> 32;
	event->uid = (__u32)bpf_get_current_uid_gid();
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	if (bpf_probe_read_kernel_str(event->filename, sizeof(event->filename),
				      (char *)call + (call->filename & 0xffff)) < 0)
		event->filename[0] = '\0';
	bpf_ringbuf_submit(event, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
