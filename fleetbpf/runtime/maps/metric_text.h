/* SPDX-License-Identifier: Apache-2.0 */
/* Prometheus' text format: its numbers, its escapes, its lines. */
#ifndef FB_METRIC_TEXT_H
#define FB_METRIC_TEXT_H

#include "maps/metric.h"

#define FB_MOST_BUCKETS 256 /* what lies above is in the last one, +Inf */

/* A piece of JSON as a label's value, without its quotes. */
void fb_metric_label(struct fb_text *out, struct fb_piece json);

/* A number, or a boolean as 1 or 0; false for anything else. */
bool fb_metric_number(struct fb_piece json, double *number);

/* # HELP and # TYPE */
void fb_metric_head(struct fb_metric *metric);

/* name_suffix{labels,more} value */
void fb_metric_sample(struct fb_text *out, const char *name, const char *suffix,
		      struct fb_piece labels, const char *more, double value);

/* The _bucket, _sum and _count lines of one histogram. */
void fb_metric_histogram(struct fb_metric *metric, struct fb_piece labels,
			 const struct fb_scale *scale, const struct fb_count *counts,
			 size_t extent);

#endif
