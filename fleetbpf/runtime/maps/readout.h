/* SPDX-License-Identifier: Apache-2.0 */
/* --map: how one map is read out, and reading it out once. */
#ifndef FB_READOUT_H
#define FB_READOUT_H

#include "asked/options.h"
#include "asked/program.h"
#include "maps/histogram.h"
#include "maps/map_reader.h"
#include "maps/metric.h"
#include "spool/sink.h"

/* A number in keys or values that is the id of a stack. */
struct fb_stack_field {
	const char *way; /* "key.stack", "value" */
	const char *map; /* where bpf_get_stackid has put it */
	struct fb_layout layout;
};

/* One map with its schedule. */
struct fb_readout {
	const struct fb_map *map;
	char *words;	/* what --map says; the stacks' names lie in it */
	uint64_t every; /* ns */
	uint64_t due;	/* ns since boot */
	bool sum;	/* the values of all processors added up, not listed */
	bool clear;	/* take out what has been read */
	bool histogram;
	struct fb_scale scale;
	struct fb_stack_field *stacks;
	size_t stack_count;
	struct fb_metric *metrics; /* what it is in Prometheus' eyes */
	size_t metric_count;
	struct fb_layout layout;
};

/* The map that is called so, or NULL and the reason. */
const struct fb_map *fb_map_find(const struct fb_program *program, const char *name,
				 struct fb_problem *problem);

/* Read NAME=SECONDS[,WORD]… and the map's --metric; refuse what the map cannot do. */
int fb_readout_plan(struct fb_readout *readout, const struct fb_program *program,
		    const struct fb_pair *wanted, const struct fb_pairs *metrics,
		    struct fb_problem *problem);

/* The descriptor of the live map that is called so, or a negative errno. */
typedef int fb_map_lookup(void *context, const char *name);

/* After the load: how entries lie. */
int fb_readout_open(struct fb_readout *readout, fb_map_lookup *lookup, void *context,
		    struct fb_problem *problem);
void fb_readout_run(struct fb_readout *readout, struct fb_sink *sink);
void fb_readout_free(struct fb_readout *readout);

#endif
