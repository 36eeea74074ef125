// SPDX-License-Identifier: GPL-2.0-only
/*
 * binds: one event for every IPv4 or IPv6 socket that is bound to an address, or could not be.
 *
 * Event    bind_event {time, pid, uid, comm, protocol, local {address, port}, error}, of the ring
 *          `events`
 * Constant failed_only: only those that failed
 * Hooks    tracepoint/syscalls/sys_{enter,exit}_bind
 * Needs    kernel >= 5.10 with BTF
 * Overhead 1.9 µs for a bind
 */
#include <linux/bpf.h>
#include <stdbool.h>

#include <fleetbpf.h>

#include "socket.h"

const volatile bool failed_only = false;

/* linux/in.h; others are numbers */
enum protocol {
	ICMP = 1,
	TCP = 6,
	UDP = 17,
	ICMPV6 = 58,
	SCTP = 132,
	RAW = 255,
	MPTCP = 262,
};

struct bind_event {
	fleetbpf_boottime time;
	__u32 pid;
	fleetbpf_uid uid;
	char comm[16];
	enum protocol protocol;
	struct endpoint local; /* what was asked for; of port 0, which the kernel chose */
	fleetbpf_errno error;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
	__type(value, struct bind_event);
} events SEC(".maps");

/* A call that has begun, until it ends. Of too many at once the oldest are forgotten. */
struct call {
	__u64 fd;
	const void *address;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64); /* the thread */
	__type(value, struct call);
} calls SEC(".maps");

/* struct sockaddr_in and sockaddr_in6: what they have in common, and what follows. */
struct address {
	__u16 family;
	__be16 port;
	__be32 ipv4; /* of IPv6 the flow */
	__u8 ipv6[16];
};

static __always_inline bool read_address(struct endpoint *local, const void *from)
{
	struct address address = {};

	/* One of IPv4 is shorter, and may end where the memory of the process ends. */
	if (bpf_probe_read_user(&address, 8, from))
		return false;
	local->port = bpf_ntohs(address.port);
	if (address.family == AF_INET) {
		map_ipv4(local->address, address.ipv4);
		return true;
	}
	return address.family == AF_INET6 &&
	       !bpf_probe_read_user(local->address, sizeof(local->address), from + 8);
}

static __always_inline void tell(const struct call *call, __s64 result)
{
	struct endpoint local = {};
	struct bind_event *event;
	const struct sock *sk;

	if (!read_address(&local, call->address))
		return;
	sk = socket_of(call->fd);
	event = fleetbpf_reserve(&events, struct bind_event);
	if (!event)
		return;
	fleetbpf_stamp(event);
	event->protocol = BPF_CORE_READ(sk, sk_protocol);
	event->local = local;
	if (!local.port && !result)
		event->local.port = BPF_CORE_READ(sk, __sk_common.skc_num);
	event->error = result;
	bpf_ringbuf_submit(event, 0);
}

/* bind(descriptor, address, size) */
SEC("tracepoint/syscalls/sys_enter_bind")
int enter_bind(struct fleetbpf_sys_enter *enter)
{
	struct call call = {enter->arguments[0], (const void *)enter->arguments[1]};
	__u64 thread = bpf_get_current_pid_tgid();

	bpf_map_update_elem(&calls, &thread, &call, BPF_ANY);
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_bind")
int exit_bind(struct fleetbpf_sys_exit *exit)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct call *call = bpf_map_lookup_elem(&calls, &thread);

	if (!call)
		return 0;
	if (exit->result || !failed_only)
		tell(call, exit->result);
	bpf_map_delete_elem(&calls, &thread);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
