/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes for maps that leave them to whoever loads them. */
#ifndef FB_MAP_SIZES_H
#define FB_MAP_SIZES_H

#include <bpf/libbpf.h>

/*
 * Before the load: entries for maps without max_entries, frames for stacks without value_size, no
 * sizes for rings.
 */
void fb_map_sizes_complete(struct bpf_object *object);

/* Maps that say what the maps inside a map of maps are like. */
struct fb_inner_maps {
	int *fds;
	size_t count;
};

/* The same for maps inside maps, as long as the load lasts: 0, or a negative errno. */
int fb_inner_maps_make(struct fb_inner_maps *made, struct bpf_object *object);
void fb_inner_maps_close(struct fb_inner_maps *made);

#endif
