// SPDX-License-Identifier: GPL-2.0-only
/* Its section alone says where it goes, which libbpf by itself would not attach. */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

SEC("perf_event/cpu-clock@49")
int on_sample(struct bpf_perf_event_data *sample)
{
	bpf_printk("sample");
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
