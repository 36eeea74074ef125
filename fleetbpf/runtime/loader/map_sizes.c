// SPDX-License-Identifier: Apache-2.0
#include "loader/map_sizes.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

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
		if (type == BPF_MAP_TYPE_RINGBUF) {
			/* The value's type is for us: the kernel wants a ring's sizes to be 0. */
			bpf_map__set_key_size(map, 0);
			bpf_map__set_value_size(map, 0);
		}
	}
}

/* libbpf's inner map takes no sizes: it is of no object, which its setters ask for. */
static int make_inner(const struct bpf_map *inner)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = bpf_map__map_flags(inner));
	enum bpf_map_type type = bpf_map__type(inner);
	bool ring = type == BPF_MAP_TYPE_RINGBUF;
	uint32_t most = bpf_map__max_entries(inner), size = bpf_map__value_size(inner);

	if (type == BPF_MAP_TYPE_STACK_TRACE && !size)
		size = FRAMES * sizeof(uint64_t);
	/* What the kernel asks of a ring is that it is one. */
	if (ring)
		most = (uint32_t)sysconf(_SC_PAGESIZE);
	return bpf_map_create(type, NULL, ring ? 0 : bpf_map__key_size(inner), ring ? 0 : size,
			      most ? most : entries(type), &options);
}

static bool is_complete(const struct bpf_map *inner)
{
	enum bpf_map_type type = bpf_map__type(inner);

	if (type == BPF_MAP_TYPE_RINGBUF)
		return false;
	return (bpf_map__max_entries(inner) || !entries(type)) &&
	       (bpf_map__value_size(inner) || type != BPF_MAP_TYPE_STACK_TRACE);
}

static int add(struct fb_inner_maps *made, struct bpf_map *outer, int fd)
{
	int *fds = realloc(made->fds, (made->count + 1) * sizeof(*fds));

	if (!fds) {
		close(fd);
		return -ENOMEM;
	}
	made->fds = fds;
	fds[made->count++] = fd;
	return bpf_map__set_inner_map_fd(outer, fd);
}

int fb_inner_maps_make(struct fb_inner_maps *made, struct bpf_object *object)
{
	struct bpf_map *map;
	int error = 0;

	bpf_object__for_each_map (map, object) {
		const struct bpf_map *inner = bpf_map__inner_map(map);
		int fd;

		if (error || !inner || is_complete(inner))
			continue;
		fd = make_inner(inner);
		error = fd < 0 ? fd : add(made, map, fd);
	}
	return error;
}

void fb_inner_maps_close(struct fb_inner_maps *made)
{
	for (size_t i = 0; i < made->count; i++)
		close(made->fds[i]);
	free(made->fds);
	*made = (struct fb_inner_maps){};
}
