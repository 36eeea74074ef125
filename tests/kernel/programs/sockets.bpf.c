// SPDX-License-Identifier: GPL-2.0-only
/* Keeps the TCP sockets of a control group in a map, and sees what goes through them. */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} sockets SEC(".maps");

SEC("sockops")
int on_connected(struct bpf_sock_ops *ctx)
{
	__u32 active = ctx->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB;

	if (active || ctx->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
		bpf_sock_map_update(ctx, &sockets, &active, BPF_ANY);
	return 1;
}

SEC("sk_msg")
int on_message(struct sk_msg_md *ctx)
{
	bpf_printk("message");
	return SK_PASS;
}

SEC("sk_skb/stream_verdict")
int on_stream(struct __sk_buff *ctx)
{
	bpf_printk("stream");
	return SK_PASS;
}
