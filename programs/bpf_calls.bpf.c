// SPDX-License-Identifier: GPL-2.0-only
/*
 * bpf_calls: one event for every BPF program or map that is made, attached or pinned, or could not
 * be.
 *
 * Event    bpf_event {time, pid, uid, comm, command, type, result, error, name}, of the ring
 *          `events`
 * Constant every_command: all of bpf(), reads and writes of maps too
 * Hooks    tracepoint/syscalls/sys_{enter,exit}_bpf
 * Needs    kernel >= 5.10; no BTF
 * Overhead 0.9 µs for a command
 */
#include <linux/bpf.h>
#include <stdbool.h>

#include <fleetbpf.h>

const volatile bool every_command = false;

struct bpf_event {
	fleetbpf_boottime time;
	__u32 pid;
	fleetbpf_uid uid;
	char comm[16];
	enum bpf_cmd command;
	__u32 type;   /* of BPF_MAP_CREATE and BPF_PROG_LOAD: enum bpf_map_type, bpf_prog_type */
	__s32 result; /* a descriptor for most */
	fleetbpf_errno error;
	char name[BPF_OBJ_NAME_LEN]; /* of these two */
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
	__type(value, struct bpf_event);
} events SEC(".maps");

/* A call that has begun, until it ends. Of too many at once the oldest are forgotten. */
struct call {
	__u64 command;
	const union bpf_attr *attr;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64); /* the thread */
	__type(value, struct call);
} calls SEC(".maps");

static __always_inline bool is_wanted(__u64 command)
{
	switch (command) {
	case BPF_MAP_CREATE:
	case BPF_PROG_LOAD:
	case BPF_OBJ_PIN:
	case BPF_PROG_ATTACH:
	case BPF_PROG_DETACH:
	case BPF_RAW_TRACEPOINT_OPEN:
	case BPF_LINK_CREATE:
	case BPF_LINK_UPDATE:
	case BPF_LINK_DETACH:
		return true;
	default:
		return every_command;
	}
}

/* bpf(command, attr, size) */
SEC("tracepoint/syscalls/sys_enter_bpf")
int enter_bpf(struct fleetbpf_sys_enter *enter)
{
	struct call call = {enter->arguments[0], (const union bpf_attr *)enter->arguments[1]};
	__u64 thread = bpf_get_current_pid_tgid();

	if (is_wanted(call.command))
		bpf_map_update_elem(&calls, &thread, &call, BPF_ANY);
	return 0;
}

static __always_inline void tell(const struct call *call, __s64 result)
{
	struct bpf_event *event = fleetbpf_reserve(&events, struct bpf_event);
	const char *name = NULL;

	if (!event)
		return;
	fleetbpf_stamp(event);
	event->command = call->command;
	event->type = 0;
	event->result = result < 0 ? -1 : result;
	event->error = result < 0 ? result : 0;
	event->name[0] = '\0';
	/* Old callers pass an attr without a name: what follows it in memory is taken for one. */
	if (call->command == BPF_PROG_LOAD)
		name = call->attr->prog_name;
	else if (call->command == BPF_MAP_CREATE)
		name = call->attr->map_name;
	if (name) {
		bpf_probe_read_user(&event->type, sizeof(event->type), call->attr);
		bpf_probe_read_user_str(event->name, sizeof(event->name), name);
	}
	bpf_ringbuf_submit(event, 0);
}

SEC("tracepoint/syscalls/sys_exit_bpf")
int exit_bpf(struct fleetbpf_sys_exit *exit)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct call *call = bpf_map_lookup_elem(&calls, &thread);

	if (!call)
		return 0;
	tell(call, exit->result);
	bpf_map_delete_elem(&calls, &thread);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
