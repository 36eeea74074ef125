/* SPDX-License-Identifier: Apache-2.0 */
/* Every entry of a live map: in batches where the kernel has them, else one by one. */
#ifndef FB_MAP_READER_H
#define FB_MAP_READER_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How the entries of a map lie in a reply. */
struct fb_layout {
	int fd;
	uint32_t max_entries;
	size_t key_size;
	size_t value_size; /* of one processor's value */
	size_t stride;	   /* of all processors' values */
	size_t processors; /* 0: not a per-CPU map */
	bool one_by_one;   /* this kernel has no batches for this type of map */
};

/* The types that can be read out at all, those with a value for each processor, and hashes. */
bool fb_map_can_be_read(enum bpf_map_type type);
bool fb_map_is_per_cpu(enum bpf_map_type type);
bool fb_map_is_hash(enum bpf_map_type type);

/* Ask the kernel; 0 or a negative errno. */
int fb_layout_of(int fd, struct fb_layout *layout);

typedef void fb_map_visit(void *context, const unsigned char *key, const unsigned char *value);

/*
 * Visit each entry; with `clear` (hashes only) take each out of the map at the same moment, so that
 * the next reading has what came since. 0, or a negative errno: some were not visited.
 */
int fb_map_read(struct fb_layout *layout, bool clear, fb_map_visit *visit, void *context);

#endif
