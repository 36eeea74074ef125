// SPDX-License-Identifier: GPL-2.0-only
/*
 * ooms: one event for every process that the kernel kills because memory is short.
 *
 * Event    oom_event {time, pid, uid, comm, victim, victim_uid, victim_comm, anonymous, file,
 *          shared, score, cgroup}, of the ring `events`
 * Constant page_size: 4096
 * Hooks    raw_tracepoint/signal_generate, tracepoint/oom/mark_victim
 * Needs    kernel >= 5.10 with BTF
 * Overhead 0.1 µs for a signal; kills are rare
 */
#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_core_read.h>
#include <fleetbpf.h>

#define SIGKILL 9
#define SEND_SIG_PRIV 1 /* in place of a siginfo: the kernel sends it */

const volatile __u32 page_size = 4096;

struct oom_event {
	fleetbpf_boottime time;
	__u32 pid; /* the one that asked for more memory */
	fleetbpf_uid uid;
	char comm[16];
	__u32 victim;
	fleetbpf_uid victim_uid;
	char victim_comm[16];
	fleetbpf_bytes anonymous; /* what it had in memory; a little behind since 6.2 */
	fleetbpf_bytes file;
	fleetbpf_bytes shared;
	__s16 score;	 /* oom_score_adj */
	char cgroup[64]; /* the last part of its path in cgroup v2 */
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
	__type(value, struct oom_event);
} events SEC(".maps");

/*
 * The kernel kills the victim, then marks it, in the same thread. Only the kill passes the task on
 * every kernel, only the mark says why. In between, the task waits here.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64); /* the thread that kills */
	__type(value, const struct task_struct *);
} killed SEC(".maps");

/* What is read of the kernel's structs: CO-RE finds these fields wherever they lie on a host. */
struct percpu_counter {
	__s64 count;
} __attribute__((preserve_access_index));

struct mm_struct {
	struct percpu_counter rss_stat[4];
} __attribute__((preserve_access_index));

/* Before 6.2. CO-RE takes no notice of what follows ___ in a name. */
struct mm_rss_stat___old {
	struct {
		__s64 counter;
	} count[4];
} __attribute__((preserve_access_index));

struct mm_struct___old {
	struct mm_rss_stat___old rss_stat;
} __attribute__((preserve_access_index));

struct kernfs_node {
	const char *name;
} __attribute__((preserve_access_index));

struct cgroup {
	struct kernfs_node *kn;
} __attribute__((preserve_access_index));

struct css_set {
	struct cgroup *dfl_cgrp;
} __attribute__((preserve_access_index));

struct signal_struct {
	short oom_score_adj;
} __attribute__((preserve_access_index));

typedef struct {
	__u32 val;
} kuid_t;

struct cred {
	kuid_t uid;
} __attribute__((preserve_access_index));

struct task_struct {
	__s32 tgid;
	char comm[16];
	const struct cred *real_cred;
	struct mm_struct *mm;
	struct signal_struct *signal;
	struct css_set *cgroups;
} __attribute__((preserve_access_index));

enum page { FILE_PAGES, ANON_PAGES, SWAP_ENTRIES, SHMEM_PAGES };

/* A macro, because CO-RE must see a number, not a variable, where it indexes an array. */
#define PAGES(mm, kind)                                                                            \
	({                                                                                         \
		const struct mm_struct___old *___old = (const void *)mm;                           \
		__s64 ___pages;                                                                    \
		if (bpf_core_field_exists(___old->rss_stat.count))                                 \
			___pages = BPF_CORE_READ(___old, rss_stat.count[kind].counter);            \
		else                                                                               \
			___pages = BPF_CORE_READ(mm, rss_stat[kind].count);                        \
		___pages < 0 ? 0 : (__u64)___pages;                                                \
	})

SEC("raw_tracepoint/signal_generate")
int on_signal(struct bpf_raw_tracepoint_args *call)
{
	/* signal, info, task, … */
	const struct task_struct *task = (const void *)call->args[2];
	__u64 thread = bpf_get_current_pid_tgid();

	if (call->args[0] == SIGKILL && call->args[1] == SEND_SIG_PRIV)
		bpf_map_update_elem(&killed, &thread, &task, BPF_ANY);
	return 0;
}

static __always_inline void tell(const struct task_struct *task)
{
	struct oom_event *event = fleetbpf_reserve(&events, struct oom_event);
	const struct mm_struct *mm;
	const char *cgroup;

	if (!event)
		return;
	fleetbpf_stamp(event);
	event->victim = BPF_CORE_READ(task, tgid);
	event->victim_uid = BPF_CORE_READ(task, real_cred, uid.val);
	BPF_CORE_READ_STR_INTO(&event->victim_comm, task, comm);
	mm = BPF_CORE_READ(task, mm);
	event->anonymous = PAGES(mm, ANON_PAGES) * page_size;
	event->file = PAGES(mm, FILE_PAGES) * page_size;
	event->shared = PAGES(mm, SHMEM_PAGES) * page_size;
	event->score = BPF_CORE_READ(task, signal, oom_score_adj);
	cgroup = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, name);
	if (bpf_probe_read_kernel_str(event->cgroup, sizeof(event->cgroup), cgroup) < 0)
		event->cgroup[0] = '\0';
	bpf_ringbuf_submit(event, 0);
}

/* The task is still there: the kernel holds it until it has marked it. */
SEC("tracepoint/oom/mark_victim")
int on_victim(void *ctx)
{
	__u64 thread = bpf_get_current_pid_tgid();
	const struct task_struct **task = bpf_map_lookup_elem(&killed, &thread);

	if (!task)
		return 0;
	tell(*task);
	bpf_map_delete_elem(&killed, &thread);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
