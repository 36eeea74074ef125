// SPDX-License-Identifier: GPL-2.0-only
/* Sends an event of fleetbpf.h's types at every getppid of the process `pid`. */
#include <linux/bpf.h>

#include <fleetbpf.h>

struct hinted {
	fleetbpf_ipv4 addresses[2];
	fleetbpf_ipv6 v6;
	fleetbpf_mac mac;
	fleetbpf_port port;
	fleetbpf_uid uid;
	fleetbpf_syscall syscall;
	fleetbpf_signal signal;
	fleetbpf_errno error;
	fleetbpf_ksym function;
	fleetbpf_boottime at;
	fleetbpf_duration took;
	fleetbpf_bytes size;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
	__type(value, struct hinted);
} events SEC(".maps");

const volatile __u32 pid;
const volatile __u64 function;

SEC("raw_tp/sys_enter")
int fire(struct bpf_raw_tracepoint_args *call)
{
	struct hinted *event;

	if (call->args[1] != 110 || bpf_get_current_pid_tgid() >> 32 != pid)
		return 0;
	event = fleetbpf_reserve(&events, struct hinted);
	if (!event)
		return 0;
	__builtin_memset(event, 0, sizeof(*event));
	__builtin_memcpy(event->addresses, "\x7f\0\0\1\xc0\0\2\1", 8);
	event->v6[15] = 1;
	__builtin_memcpy(event->mac, "\x52\x54\0\1\2\3", 6);
	event->port = __builtin_bswap16(443);
	event->uid = (__u32)bpf_get_current_uid_gid();
	event->syscall = 110;
	event->signal = 15;
	event->error = -13;
	event->function = function;
	event->at = bpf_ktime_get_boot_ns();
	event->took = 1500000;
	event->size = 4096;
	bpf_ringbuf_submit(event, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
