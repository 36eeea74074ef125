// SPDX-License-Identifier: GPL-2.0-only
/*
 * retransmits: one event for every TCP segment that is sent again.
 *
 * Event    retransmit_event {time, state, local {address, port}, remote {address, port}}, of the
 *          ring `events`
 * Hook     tracepoint/tcp/tcp_retransmit_skb
 * Needs    kernel >= 5.10 with BTF
 * Overhead not measured: nothing where nothing is lost
 */
#include <linux/bpf.h>
#include <stdbool.h>

#include <fleetbpf.h>

#include "socket.h"

/* No process: a timer sends again, whatever runs then. */
struct retransmit_event {
	fleetbpf_boottime time;
	enum tcp_state state; /* SYN_SENT: nobody answers there */
	struct endpoint local;
	struct endpoint remote;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 512 * 1024);
	__type(value, struct retransmit_event);
} events SEC(".maps");

/* What /sys/kernel/tracing/events/tcp/tcp_retransmit_skb/format begins with; the rest moved. */
struct tcp_retransmit_skb {
	__u64 common;
	const void *packet;
	const struct sock *socket;
};

SEC("tracepoint/tcp/tcp_retransmit_skb")
int on_retransmit(struct tcp_retransmit_skb *call)
{
	const struct sock *sk = call->socket;
	struct endpoint local = {}, remote = {};
	struct retransmit_event *event;

	if (!read_endpoints(&local, &remote, sk))
		return 0;
	event = fleetbpf_reserve(&events, struct retransmit_event);
	if (!event)
		return 0;
	event->time = bpf_ktime_get_boot_ns();
	event->state = BPF_CORE_READ(sk, __sk_common.skc_state);
	event->local = local;
	event->remote = remote;
	bpf_ringbuf_submit(event, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
