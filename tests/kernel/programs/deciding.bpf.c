// SPDX-License-Identifier: GPL-2.0-only
/* Hooks of the network and of control groups: each lets everything pass, and says what it saw. */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

/* What each kind returns to let it pass. */
#define PASSES(kind, section, type, verdict)                                                       \
	SEC("?" section)                                                                           \
	int on_##kind(type *ctx)                                                                   \
	{                                                                                          \
		bpf_printk("seen by " #kind);                                                      \
		return (verdict);                                                                  \
	}

PASSES(xdp, "xdp", struct xdp_md, XDP_PASS)
PASSES(tc, "tc", struct __sk_buff, -1)
PASSES(tc_egress, "tc", struct __sk_buff, -1)
PASSES(tcx, "tcx/ingress", struct __sk_buff, -1)
PASSES(netfilter, "netfilter", struct bpf_nf_ctx, 1)
PASSES(socket, "socket", struct __sk_buff, 0)
PASSES(sk_lookup, "sk_lookup", struct bpf_sk_lookup, 1)
PASSES(flow_dissector, "flow_dissector", struct __sk_buff, 0)
PASSES(skb_ingress, "cgroup_skb/ingress", struct __sk_buff, 1)
PASSES(skb_egress, "cgroup_skb/egress", struct __sk_buff, 1)
PASSES(sock_create, "cgroup/sock_create", struct bpf_sock, 1)
PASSES(sock_release, "cgroup/sock_release", struct bpf_sock, 1)
PASSES(post_bind4, "cgroup/post_bind4", struct bpf_sock, 1)
PASSES(bind4, "cgroup/bind4", struct bpf_sock_addr, 1)
PASSES(connect4, "cgroup/connect4", struct bpf_sock_addr, 1)
PASSES(sendmsg4, "cgroup/sendmsg4", struct bpf_sock_addr, 1)
PASSES(recvmsg4, "cgroup/recvmsg4", struct bpf_sock_addr, 1)
PASSES(getsockname4, "cgroup/getsockname4", struct bpf_sock_addr, 1)
PASSES(getpeername4, "cgroup/getpeername4", struct bpf_sock_addr, 1)
PASSES(setsockopt, "cgroup/setsockopt", struct bpf_sockopt, 1)
PASSES(getsockopt, "cgroup/getsockopt", struct bpf_sockopt, 1)
PASSES(sysctl, "cgroup/sysctl", struct bpf_sysctl, 1)
PASSES(dev, "cgroup/dev", struct bpf_cgroup_dev_ctx, 1)
PASSES(sockops, "sockops", struct bpf_sock_ops, 1)
