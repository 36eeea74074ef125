// SPDX-License-Identifier: GPL-2.0-only
/*
 * capabilities: one event for each capability that a process needs: it has it, or is refused.
 *
 * Event    capability_event {time, pid, uid, comm, capability, granted}, of the ring `events`
 * Constant refused_only: only those that are refused
 *          every_use: not only the first time that a process needs one
 *          unaudited: also where the kernel looks, but nothing fails without
 * Hooks    kprobe/cap_capable, kretprobe/cap_capable
 * Needs    kernel >= 5.10 with kprobes; no BTF
 * Overhead in a virtual machine half of what opens adds
 */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <stdbool.h>

#include <bpf/bpf_tracing.h>
#include <fleetbpf.h>

#define CAP_OPT_NOAUDIT 2 /* the kernel's include/linux/security.h */

const volatile bool refused_only = false;
const volatile bool every_use = false;
const volatile bool unaudited = false;

/* linux/capability.h */
enum capability {
	CAP_CHOWN,
	CAP_DAC_OVERRIDE,
	CAP_DAC_READ_SEARCH,
	CAP_FOWNER,
	CAP_FSETID,
	CAP_KILL,
	CAP_SETGID,
	CAP_SETUID,
	CAP_SETPCAP,
	CAP_LINUX_IMMUTABLE,
	CAP_NET_BIND_SERVICE,
	CAP_NET_BROADCAST,
	CAP_NET_ADMIN,
	CAP_NET_RAW,
	CAP_IPC_LOCK,
	CAP_IPC_OWNER,
	CAP_SYS_MODULE,
	CAP_SYS_RAWIO,
	CAP_SYS_CHROOT,
	CAP_SYS_PTRACE,
	CAP_SYS_PACCT,
	CAP_SYS_ADMIN,
	CAP_SYS_BOOT,
	CAP_SYS_NICE,
	CAP_SYS_RESOURCE,
	CAP_SYS_TIME,
	CAP_SYS_TTY_CONFIG,
	CAP_MKNOD,
	CAP_LEASE,
	CAP_AUDIT_WRITE,
	CAP_AUDIT_CONTROL,
	CAP_SETFCAP,
	CAP_MAC_OVERRIDE,
	CAP_MAC_ADMIN,
	CAP_SYSLOG,
	CAP_WAKE_ALARM,
	CAP_BLOCK_SUSPEND,
	CAP_AUDIT_READ,
	CAP_PERFMON,
	CAP_BPF,
	CAP_CHECKPOINT_RESTORE,
};

struct capability_event {
	fleetbpf_boottime time;
	__u32 pid;
	fleetbpf_uid uid;
	char comm[16];
	enum capability capability;
	bool granted;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 512 * 1024);
	__type(value, struct capability_event);
} events SEC(".maps");

/* A check that has begun, until it ends. Of too many at once the oldest are forgotten. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64); /* the thread */
	__type(value, __u32);
} checks SEC(".maps");

struct use {
	__u32 pid;
	__u16 capability;
	__u16 granted;
};

/* What was told already. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct use);
	__type(value, __u8);
} told SEC(".maps");

/* 0, or less where somebody was first. */
static __always_inline long remember(const struct use *use)
{
	__u8 yes = 1;

	return bpf_map_update_elem(&told, use, &yes, BPF_NOEXIST);
}

static __always_inline void tell(__u32 capability, bool granted)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	struct use use = {pid, capability, granted};
	struct capability_event *event;

	if ((granted && refused_only) || (!every_use && remember(&use)))
		return;
	event = fleetbpf_reserve(&events, struct capability_event);
	if (!event)
		return;
	fleetbpf_stamp(event);
	event->capability = capability;
	event->granted = granted;
	bpf_ringbuf_submit(event, 0);
}

/* The same arguments since 5.1. */
SEC("kprobe/cap_capable")
int BPF_KPROBE(on_check, const void *credentials, const void *namespace, int capability,
	       unsigned int options)
{
	__u64 thread = bpf_get_current_pid_tgid();

	if (unaudited || !(options & CAP_OPT_NOAUDIT))
		bpf_map_update_elem(&checks, &thread, &capability, BPF_ANY);
	return 0;
}

SEC("kretprobe/cap_capable")
int BPF_KRETPROBE(on_verdict, int error)
{
	__u64 thread = bpf_get_current_pid_tgid();
	__u32 *capability = bpf_map_lookup_elem(&checks, &thread);

	if (!capability)
		return 0;
	tell(*capability, !error);
	bpf_map_delete_elem(&checks, &thread);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
