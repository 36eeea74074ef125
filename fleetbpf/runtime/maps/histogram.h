/* SPDX-License-Identifier: Apache-2.0 */
/* Histograms: the counts of slots gathered from a map's entries, per group. */
#ifndef FB_HISTOGRAM_H
#define FB_HISTOGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

/* How slots stand for values. */
struct fb_scale {
	uint64_t step; /* 0: slots double; else a slot's width */
};

/* The least and the greatest value of a slot. */
uint64_t fb_slot_from(const struct fb_scale *scale, uint64_t slot);
uint64_t fb_slot_to(const struct fb_scale *scale, uint64_t slot);

/* One counted slot; slots without a count are not kept. */
struct fb_count {
	size_t group; /* where its JSON begins in `groups` */
	size_t length;
	uint64_t slot;
	uint64_t count;
};

struct fb_histograms {
	struct fb_text groups; /* JSON, one behind the other */
	size_t group;	       /* where the one begins that is added to */
	struct fb_count *counts;
	size_t count;
	size_t room;
	bool failed; /* out of memory: something is missing */
};

/* Begin a group: counts that follow belong to it. The same JSON may come several times. */
void fb_histograms_group(struct fb_histograms *histograms, const char *json, size_t length);
void fb_histograms_add(struct fb_histograms *histograms, uint64_t slot, uint64_t count);

/* Bring the counts of each group together, slot by slot; counts of the same slot are added. */
void fb_histograms_settle(struct fb_histograms *histograms);

/* From counts[first] on: how many belong to the same group. */
size_t fb_histograms_extent(const struct fb_histograms *histograms, size_t first);

/* [[from, to, count], …] of `extent` counts: "buckets" in a record. */
void fb_buckets_json(const struct fb_scale *scale, const struct fb_count *counts, size_t extent,
		     struct fb_text *out);
void fb_histograms_free(struct fb_histograms *histograms);

#endif
