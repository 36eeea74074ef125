/* SPDX-License-Identifier: Apache-2.0 */
/* The maps that are read out every so often. */
#ifndef FB_MAPS_H
#define FB_MAPS_H

#include "maps/readout.h"
#include "maps/textfile.h"

struct fb_readouts {
	struct fb_readout *items;
	size_t count;
	struct fb_textfile textfile;
};

/* Before the load: find the maps, refuse what cannot be read out as it is wanted. */
int fb_readouts_plan(struct fb_readouts *readouts, const struct fb_program *program,
		     const struct fb_options *options, struct fb_problem *problem);

/* After the load. */
int fb_readouts_open(struct fb_readouts *readouts, fb_map_lookup *lookup, void *context,
		     struct fb_problem *problem);

/* Read out what is due at `now` into the sink, and its metrics into their file. */
void fb_readouts_run(struct fb_readouts *readouts, uint64_t now, struct fb_sink *sink);

/* Read all of them out, for the last time; the metrics' file goes. */
void fb_readouts_finish(struct fb_readouts *readouts, struct fb_sink *sink);

/* When the next one is due; UINT64_MAX when there is none. */
uint64_t fb_readouts_due(const struct fb_readouts *readouts);
void fb_readouts_free(struct fb_readouts *readouts);

#endif
