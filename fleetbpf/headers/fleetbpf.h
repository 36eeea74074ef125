/* SPDX-License-Identifier: Apache-2.0 */
/* What many programs need. Include it after vmlinux.h or <linux/bpf.h>. */
#ifndef FLEETBPF_H
#define FLEETBPF_H

#include <bpf/bpf_helpers.h>

/*
 * Count one more of *key in a hash map from the key to a __u64. On all processors at once no count
 * is lost, as long as the map has room.
 */
static __always_inline void fleetbpf_count(void *map, const void *key)
{
	__u64 zero = 0, *count = bpf_map_lookup_elem(map, key);

	if (!count) {
		/* Somebody else may be first: then theirs is used. */
		bpf_map_update_elem(map, key, &zero, 1 /* BPF_NOEXIST */);
		count = bpf_map_lookup_elem(map, key);
	}
	if (count)
		__sync_fetch_and_add(count, 1);
}

#endif
