/* SPDX-License-Identifier: Apache-2.0 */
/* --metric: a map's entries as a metric in Prometheus' text format. */
#ifndef FB_METRIC_H
#define FB_METRIC_H

#include "asked/options.h"
#include "maps/histogram.h"
#include "json/pick.h"

struct fb_label {
	const char *name;
	const char *way; /* "key.comm" */
};

/* The counts of one set of labels. */
struct fb_sample {
	size_t labels; /* where they begin in fb_metric.labels_text */
	size_t length;
	double value;
};

struct fb_metric {
	char *words; /* what --metric says; the strings here lie in it */
	const char *name;
	const char *type; /* counter, gauge, histogram */
	const char *help;
	const char *way; /* to the value: "value.bytes" */
	double scale;	 /* what values and bounds are multiplied with */
	struct fb_label *labels;
	size_t label_count;
	struct fb_text set; /* the labels of the entry at hand: `command="sh"` */
	struct fb_text sets;
	struct fb_sample *samples;
	size_t sample_count;
	size_t sample_room;
	struct fb_histograms histograms;
	uint64_t top; /* the highest slot seen since the start: buckets do not go away */
	bool failed;
	struct fb_text block; /* what it looked like at the last readout */
};

/* Read NAME,TYPE[,value:WAY][,scale:NUMBER][,label:NAME:WAY]…[,help:TEXT]. */
int fb_metric_plan(struct fb_metric *metric, const struct fb_pair *wanted,
		   struct fb_problem *problem);

/* An entry, and a slot of a histogram, of a readout. */
void fb_metric_add(struct fb_metric *metric, const struct fb_text *key,
		   const struct fb_text *value);
void fb_metric_count(struct fb_metric *metric, const struct fb_text *key, uint64_t slot,
		     uint64_t count);

/* The readout is over: make the block anew, or keep it when something is missing. */
void fb_metric_end(struct fb_metric *metric, const struct fb_scale *scale, bool whole);
void fb_metric_free(struct fb_metric *metric);

#endif
