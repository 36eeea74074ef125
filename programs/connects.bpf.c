// SPDX-License-Identifier: GPL-2.0-only
/*
 * connects: one event for every TCP connection that is made from here, or could not be.
 *
 * Event    connect_event {time, duration, pid, uid, comm, local {address, port}, remote {address,
 *          port}, error}, of the ring `events`
 * Constant failed_only: only those that failed
 *          min_duration: leave out those that took shorter, in nanoseconds
 * Hook     tracepoint/sock/inet_sock_set_state
 * Needs    kernel >= 5.10 with BTF
 * Overhead 1.9 µs for a connection
 */
#include <linux/bpf.h>
#include <stdbool.h>

#include <fleetbpf.h>

#include "socket.h"

#define IPPROTO_TCP 6
#define ECANCELED 125

const volatile bool failed_only = false;
const volatile __u64 min_duration = 0;

/* A connect() that fails before it sends anything, for want of a route for instance, is none. */
struct connect_event {
	fleetbpf_boottime time; /* of the end: connected, or not */
	fleetbpf_duration duration;
	__u32 pid;
	fleetbpf_uid uid;
	char comm[16];
	struct endpoint local;
	struct endpoint remote;
	fleetbpf_errno error; /* ECANCELED: the socket was closed meanwhile */
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 512 * 1024);
	__type(value, struct connect_event);
} events SEC(".maps");

/* Who began to connect: the end comes with a packet, whatever process runs then. */
struct attempt {
	__u64 time;
	__u32 pid;
	__u32 uid;
	char comm[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, const struct sock *);
	__type(value, struct attempt);
} attempts SEC(".maps");

static __always_inline void begin(const struct sock *socket)
{
	struct attempt attempt = {};

	fleetbpf_stamp(&attempt);
	bpf_map_update_elem(&attempts, &socket, &attempt, BPF_ANY);
}

static __always_inline __s32 error_of(const struct inet_sock_set_state *change)
{
	const struct sock *socket = change->socket;
	__s32 error;

	if (change->new_state == ESTABLISHED)
		return 0;
	error = BPF_CORE_READ(socket, sk_err);
	return error ?: ECANCELED;
}

static __always_inline void tell(const struct attempt *attempt,
				 const struct inet_sock_set_state *change)
{
	__u64 now = bpf_ktime_get_boot_ns();
	__s32 error = error_of(change);
	struct connect_event *event;

	if ((failed_only && !error) || now - attempt->time < min_duration)
		return;
	event = fleetbpf_reserve(&events, struct connect_event);
	if (!event)
		return;
	event->time = now;
	event->duration = now - attempt->time;
	event->pid = attempt->pid;
	event->uid = attempt->uid;
	__builtin_memcpy(event->comm, attempt->comm, sizeof(event->comm));
	copy_endpoints(&event->local, &event->remote, change);
	event->error = error;
	bpf_ringbuf_submit(event, 0);
}

SEC("tracepoint/sock/inet_sock_set_state")
int on_state(struct inet_sock_set_state *change)
{
	const struct sock *socket = change->socket;
	struct attempt *attempt;

	if (change->protocol != IPPROTO_TCP)
		return 0;
	if (change->new_state == SYN_SENT)
		begin(socket);
	if (change->old_state != SYN_SENT)
		return 0;
	attempt = bpf_map_lookup_elem(&attempts, &socket);
	if (!attempt)
		return 0;
	tell(attempt, change);
	bpf_map_delete_elem(&attempts, &socket);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
