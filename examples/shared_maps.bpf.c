// SPDX-License-Identifier: GPL-2.0-only
/*
 * shared_maps: how often each command was executed, whatever release of this program counted it.
 *
 * A map that is pinned by its name is shared by all releases: change `least`, apply, and the next
 * one goes on with what is there.
 */
#include <linux/bpf.h>

#include <fleetbpf.h>

const volatile __u32 least = 0; /* the least user id that counts */

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 10240);
	__type(key, char[16]);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} counts SEC(".maps");

SEC("raw_tp/sched_process_exec")
int count_exec(void *event)
{
	char command[16];

	if ((__u32)bpf_get_current_uid_gid() < least)
		return 0;
	if (!bpf_get_current_comm(command, sizeof(command)))
		fleetbpf_count(&counts, command);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
