// SPDX-License-Identifier: GPL-2.0-only
/*
 * execs: one event for every program that is executed.
 *
 * Event    exec_event {time, pid, ppid, uid, comm, filename, args}, of the ring `events`
 * Hook     tracepoint/sched/sched_process_exec
 * Needs    kernel >= 5.10 with BTF
 * Overhead 12 µs of a start, which takes some 500 (kernel.bpf_stats_enabled, a busy machine)
 */
#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <fleetbpf.h>

#define ARGS_SIZE 256

struct exec_event {
	fleetbpf_boottime time;
	__u32 pid;
	__u32 ppid;
	fleetbpf_uid uid;
	char comm[16];
	char filename[256]; /* cut after 255 bytes */
	/* argv[0] and on, a space between two; cut after 255 bytes */
	char args[ARGS_SIZE] __attribute__((aligned(8)));
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

/* What is read of the kernel's structs: CO-RE finds these fields wherever they lie on a host. */
struct mm_struct {
	unsigned long arg_start;
	unsigned long arg_end;
} __attribute__((preserve_access_index));

struct task_struct {
	__s32 tgid;
	struct task_struct *real_parent;
	struct mm_struct *mm;
} __attribute__((preserve_access_index));

/*
 * The kernel keeps the arguments one after the other, each with its NUL: these become spaces, eight
 * bytes at a time and without a branch, which keeps the verifier's work small. 0x80 marks each byte
 * of `ends` where the word has a 0; two bits to the right it is a space.
 */
static __always_inline void read_args(char *args, const struct mm_struct *mm)
{
	const __u64 low = 0x7f7f7f7f7f7f7f7full;
	unsigned long start = BPF_CORE_READ(mm, arg_start);
	unsigned long size = BPF_CORE_READ(mm, arg_end) - start;
	__u64 *words = (__u64 *)args;

	if (size > ARGS_SIZE)
		size = ARGS_SIZE;
	if (!size || bpf_probe_read_user(args, size, (void *)start)) {
		args[0] = '\0';
		return;
	}
	for (int i = 0; i < ARGS_SIZE / 8; i++) {
		__u64 ends = ~(((words[i] & low) + low) | words[i] | low);

		words[i] |= ends >> 2;
	}
	args[size - 1] = '\0';
}

SEC("tracepoint/sched/sched_process_exec")
int on_exec(struct sched_process_exec *call)
{
	const struct task_struct *task = (void *)bpf_get_current_task();
	struct exec_event *event = fleetbpf_reserve(&events, struct exec_event);

	if (!event)
		return 0;
	fleetbpf_stamp(event);
	event->ppid = BPF_CORE_READ(task, real_parent, tgid);
	if (bpf_probe_read_kernel_str(event->filename, sizeof(event->filename),
				      (char *)call + (call->filename & 0xffff)) < 0)
		event->filename[0] = '\0';
	read_args(event->args, BPF_CORE_READ(task, mm));
	bpf_ringbuf_submit(event, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
