// SPDX-License-Identifier: GPL-2.0-only
/*
 * modules: one event for every kernel module that is loaded or removed.
 *
 * Event    module_event {time, pid, uid, comm, change, taints, name}, of the ring `events`
 * Hooks    tracepoint/module/{module_load,module_free}
 * Needs    kernel >= 5.10; no BTF
 * Overhead not measured: rare, and nothing in between
 */
#include <linux/bpf.h>

#include <fleetbpf.h>

enum change {
	LOADED,
	REMOVED,
};

struct module_event {
	fleetbpf_boottime time;
	__u32 pid; /* the one that asked for it: insmod, modprobe, a thread of the kernel */
	fleetbpf_uid uid;
	char comm[16];
	enum change change;
	__u32 taints; /* bits of Documentation/admin-guide/tainted-kernels.rst */
	char name[64];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
	__type(value, struct module_event);
} events SEC(".maps");

/* The format files of both in /sys/kernel/tracing/events/module: the same from 5.10 to 7.3. */
struct module_load {
	__u64 common;
	__u32 taints;
	__u32 name; /* where it lies in here: its offset, and its length << 16 */
};

struct module_free {
	__u64 common;
	__u32 name;
};

static __always_inline int tell(enum change change, __u32 taints, const void *name)
{
	struct module_event *event = fleetbpf_reserve(&events, struct module_event);

	if (!event)
		return 0;
	fleetbpf_stamp(event);
	event->change = change;
	event->taints = taints;
	if (bpf_probe_read_kernel_str(event->name, sizeof(event->name), name) < 0)
		event->name[0] = '\0';
	bpf_ringbuf_submit(event, 0);
	return 0;
}

SEC("tracepoint/module/module_load")
int on_load(struct module_load *call)
{
	return tell(LOADED, call->taints, (char *)call + (call->name & 0xffff));
}

SEC("tracepoint/module/module_free")
int on_free(struct module_free *call)
{
	return tell(REMOVED, 0, (char *)call + (call->name & 0xffff));
}

char LICENSE[] SEC("license") = "GPL";
