// SPDX-License-Identifier: GPL-2.0-only
/*
 * accepts: one event for every TCP connection that a process accepts.
 *
 * Event    accept_event {time, pid, uid, comm, fd, local {address, port}, remote {address, port}},
 *          of the ring `events`
 * Constant only_port: only connections to this port
 * Hooks    tracepoint/syscalls/sys_exit_{accept,accept4}
 * Needs    kernel >= 5.10 with BTF
 * Overhead 1.2 µs for an accept
 */
#include <linux/bpf.h>
#include <stdbool.h>

#include <fleetbpf.h>

#include "socket.h"

#define IPPROTO_TCP 6

const volatile __u16 only_port = 0;

/* What io_uring accepts is not seen: it makes no system call for each. */
struct accept_event {
	fleetbpf_boottime time;
	__u32 pid;
	fleetbpf_uid uid;
	char comm[16];
	__s32 fd;
	struct endpoint local;
	struct endpoint remote;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 512 * 1024);
	__type(value, struct accept_event);
} events SEC(".maps");

static __always_inline int end(__s64 fd)
{
	struct endpoint local, remote;
	struct accept_event *event;
	struct sock *sk;

	if (fd < 0)
		return 0;
	sk = socket_of(fd);
	if (BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP || !read_endpoints(&local, &remote, sk))
		return 0;
	if (only_port && local.port != only_port)
		return 0;
	event = fleetbpf_reserve(&events, struct accept_event);
	if (!event)
		return 0;
	fleetbpf_stamp(event);
	event->fd = fd;
	event->local = local;
	event->remote = remote;
	bpf_ringbuf_submit(event, 0);
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_accept")
int exit_accept(struct fleetbpf_sys_exit *call)
{
	return end(call->result);
}

SEC("tracepoint/syscalls/sys_exit_accept4")
int exit_accept4(struct fleetbpf_sys_exit *call)
{
	return end(call->result);
}

char LICENSE[] SEC("license") = "GPL";
