/* SPDX-License-Identifier: Apache-2.0 */
/* --map: read maps out every so often. */
#ifndef FB_MAPS_H
#define FB_MAPS_H

#include <bpf/libbpf.h>

#include "options.h"
#include "program.h"
#include "sink.h"

/* One map with its schedule. */
struct fb_readout {
	const struct fb_map *map;
	const struct bpf_map *live;
	uint64_t every;	 /* ns */
	uint64_t due;	 /* ns since boot */
	bool one_by_one; /* this kernel has no batches for this type of map */
};

struct fb_readouts {
	struct fb_readout *items;
	size_t count;
};

/* Before the load: find the maps, refuse types that cannot be read out. */
int fb_readouts_plan(struct fb_readouts *readouts, const struct bpf_object *object,
		     const struct fb_program *program, const struct fb_pairs *wanted,
		     struct fb_problem *problem);

/* Read out what is due at `now` (all of them with UINT64_MAX) into the sink. */
void fb_readouts_run(struct fb_readouts *readouts, uint64_t now, struct fb_sink *sink);

/* When the next one is due; UINT64_MAX when there is none. */
uint64_t fb_readouts_due(const struct fb_readouts *readouts);
void fb_readouts_free(struct fb_readouts *readouts);

#endif
