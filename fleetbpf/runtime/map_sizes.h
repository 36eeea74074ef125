/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes for maps that leave them to whoever loads them. */
#ifndef FB_MAP_SIZES_H
#define FB_MAP_SIZES_H

#include <bpf/libbpf.h>

/* Before the load: entries for maps without max_entries, frames for stacks without value_size. */
void fb_map_sizes_complete(struct bpf_object *object);

#endif
