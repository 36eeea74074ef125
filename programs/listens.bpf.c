// SPDX-License-Identifier: GPL-2.0-only
/*
 * listens: one event for every TCP socket that begins to listen.
 *
 * Event    listen_event {time, pid, uid, comm, local {address, port}, backlog}, of the ring
 *          `events`
 * Hook     tracepoint/sock/inet_sock_set_state
 * Needs    kernel >= 5.10 with BTF
 * Overhead 1.0 µs for a listen
 */
#include <linux/bpf.h>
#include <stdbool.h>

#include <fleetbpf.h>

#include "socket.h"

#define IPPROTO_TCP 6

struct listen_event {
	fleetbpf_boottime time;
	__u32 pid;
	fleetbpf_uid uid;
	char comm[16];
	struct endpoint local; /* port 0: it was not bound; the kernel is about to choose one */
	__u32 backlog;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 128 * 1024);
	__type(value, struct listen_event);
} events SEC(".maps");

SEC("tracepoint/sock/inet_sock_set_state")
int on_state(struct inet_sock_set_state *change)
{
	const struct sock *socket = change->socket;
	struct listen_event *event;

	if (change->protocol != IPPROTO_TCP || change->new_state != LISTEN)
		return 0;
	event = fleetbpf_reserve(&events, struct listen_event);
	if (!event)
		return 0;
	fleetbpf_stamp(event);
	__builtin_memcpy(event->local.address, change->local, sizeof(event->local.address));
	event->local.port = change->local_port;
	event->backlog = BPF_CORE_READ(socket, sk_max_ack_backlog);
	bpf_ringbuf_submit(event, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
