// SPDX-License-Identifier: GPL-2.0-only
/* Sends a sample through a perf event array at every getppid of the process `pid`. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct sample {
	__u64 number;
	__u32 pid;
	char comm[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} events SEC(".maps");

const volatile __u32 pid;

static __u64 count;

/* Nothing else brings the struct into the BTF. */
static __attribute__((noinline)) long send(void *context, struct sample *sample)
{
	return bpf_perf_event_output(context, &events, 0xffffffffULL, sample, sizeof(*sample));
}

SEC("raw_tp/sys_enter")
int fire(struct bpf_raw_tracepoint_args *call)
{
	struct sample sample = {};

	if (call->args[1] != 110 || bpf_get_current_pid_tgid() >> 32 != pid)
		return 0;
	sample.number = __sync_fetch_and_add(&count, 1);
	sample.pid = pid;
	bpf_get_current_comm(sample.comm, sizeof(sample.comm));
	send(call, &sample);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
