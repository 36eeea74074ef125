// SPDX-License-Identifier: Apache-2.0
#include "map_sizes.h"

#include <stdint.h>

#define ENTRIES 10240
#define RING_BYTES (256 * 1024)
#define FRAMES 127 /* the kernel's limit, unless kernel.perf_event_max_stack says otherwise */

/* What the kernel would refuse: of other types it, or libbpf, knows the number itself. */
static uint32_t entries(enum bpf_map_type type)
{
	switch (type) {
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_ARRAY:
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
	case BPF_MAP_TYPE_LRU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
	case BPF_MAP_TYPE_LPM_TRIE:
	case BPF_MAP_TYPE_STACK_TRACE:
	case BPF_MAP_TYPE_QUEUE:
	case BPF_MAP_TYPE_STACK:
		return ENTRIES;
	case BPF_MAP_TYPE_RINGBUF:
		return RING_BYTES;
	default:
		return 0;
	}
}

void fb_map_sizes_complete(struct bpf_object *object)
{
	struct bpf_map *map;

	bpf_object__for_each_map (map, object) {
		enum bpf_map_type type = bpf_map__type(map);

		if (!bpf_map__max_entries(map) && entries(type))
			bpf_map__set_max_entries(map, entries(type));
		if (type == BPF_MAP_TYPE_STACK_TRACE && !bpf_map__value_size(map))
			bpf_map__set_value_size(map, FRAMES * sizeof(uint64_t));
	}
}
