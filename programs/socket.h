/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fields of the kernel's sockets that several programs read, by CO-RE: wherever they lie on a
 * host. Include it after fleetbpf.h.
 */
#ifndef SOCKET_H
#define SOCKET_H

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>

/* sys/socket.h, which is not for BPF */
#define AF_INET 2
#define AF_INET6 10

/* The kernel's include/net/tcp_states.h. */
enum tcp_state {
	ESTABLISHED = 1,
	SYN_SENT,
	SYN_RECV,
	FIN_WAIT1,
	FIN_WAIT2,
	TIME_WAIT,
	CLOSE,
	CLOSE_WAIT,
	LAST_ACK,
	LISTEN,
	CLOSING,
	NEW_SYN_RECV,
};

/* /sys/kernel/tracing/events/sock/inet_sock_set_state/format: the same from 5.10 to 7.3. */
struct inet_sock_set_state {
	__u64 common;
	const struct sock *socket;
	__u32 old_state;
	__u32 new_state;
	__u16 local_port; /* this host's byte order */
	__u16 remote_port;
	__u16 family;
	__u16 protocol;
	__u8 local_v4[4];
	__u8 remote_v4[4];
	__u8 local[16]; /* ::ffff:192.0.2.1 where the socket is IPv4 */
	__u8 remote[16];
};

struct in6_addr {
	union {
		__u8 u6_addr8[16];
	} in6_u;
} __attribute__((preserve_access_index));

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
} __attribute__((preserve_access_index));

struct sock {
	struct sock_common __sk_common;
	__u16 sk_protocol;
	int sk_err;
	__u32 sk_max_ack_backlog;
} __attribute__((preserve_access_index));

struct socket {
	struct sock *sk;
} __attribute__((preserve_access_index));

struct file {
	void *private_data;
} __attribute__((preserve_access_index));

struct fdtable {
	struct file **fd;
} __attribute__((preserve_access_index));

struct files_struct {
	struct fdtable *fdt;
} __attribute__((preserve_access_index));

struct task_struct {
	struct files_struct *files;
} __attribute__((preserve_access_index));

/* One end of a connection, as events tell it. */
struct endpoint {
	fleetbpf_ipv6 address; /* ::ffff:192.0.2.1 where the socket is IPv4 */
	__u16 port;
};

/* The socket behind a descriptor of the running process, of which it is known to be one. */
static __always_inline struct sock *socket_of(__u32 descriptor)
{
	const struct task_struct *task = (void *)bpf_get_current_task();
	struct file **files = BPF_CORE_READ(task, files, fdt, fd);
	struct socket *socket;
	struct file *file = NULL;

	bpf_probe_read_kernel(&file, sizeof(file), files + descriptor);
	socket = BPF_CORE_READ(file, private_data);
	return BPF_CORE_READ(socket, sk);
}

/* An IPv4 address as IPv6 has it: ::ffff:192.0.2.1. */
static __always_inline void map_ipv4(__u8 *to, __be32 address)
{
	__u32 *words = (__u32 *)to;

	words[0] = 0;
	words[1] = 0;
	words[2] = bpf_htonl(0xffff);
	words[3] = address;
}

/* Where a socket is, and where it is connected to; false if it is neither IPv4 nor IPv6. */
static __always_inline bool read_endpoints(struct endpoint *local, struct endpoint *remote,
					   const struct sock *sk)
{
	__u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);

	local->port = BPF_CORE_READ(sk, __sk_common.skc_num);
	remote->port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	if (family == AF_INET) {
		map_ipv4(local->address, BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr));
		map_ipv4(remote->address, BPF_CORE_READ(sk, __sk_common.skc_daddr));
	} else if (family == AF_INET6) {
		BPF_CORE_READ_INTO(&local->address, sk, __sk_common.skc_v6_rcv_saddr);
		BPF_CORE_READ_INTO(&remote->address, sk, __sk_common.skc_v6_daddr);
	} else {
		return false;
	}
	return true;
}

/* The same of a change of state, whose tracepoint tells addresses and ports. */
static __always_inline void copy_endpoints(struct endpoint *local, struct endpoint *remote,
					   const struct inet_sock_set_state *change)
{
	__builtin_memcpy(local->address, change->local, sizeof(local->address));
	__builtin_memcpy(remote->address, change->remote, sizeof(remote->address));
	local->port = change->local_port;
	remote->port = change->remote_port;
}

#endif
