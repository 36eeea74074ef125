/* SPDX-License-Identifier: Apache-2.0 */
/* How much of what a program told was written, and where the rest was lost. */
#ifndef FB_COUNTS_H
#define FB_COUNTS_H

#include <stdint.h>

#include "base/text.h"

enum fb_loss {
	FB_KERNEL, /* its buffer was full */
	FB_LIMIT,  /* more, or larger, than the manifest allows */
	FB_LOADER, /* the loader was killed, had no memory or did not understand */
	FB_SPOOL,  /* the disk was full */
	FB_LOSSES,
};

struct fb_counts {
	uint64_t written; /* lines, events and read-outs */
	uint64_t lost[FB_LOSSES];
	uint64_t killed; /* starts after an end that nobody told */
};

const char *fb_loss_name(enum fb_loss place);
void fb_counts_add(struct fb_counts *counts, const struct fb_counts *more);

/* Add what whole records stand for; a torn one at the end is a loss of the loader. */
void fb_counts_take(struct fb_counts *counts, const char *bytes, size_t size);

/* "written":N,"lost":{"kernel":N,…},"killed":N */
void fb_counts_json(const struct fb_counts *counts, struct fb_text *out);

/* Find that in a line, which ends in a NUL; what is not there is 0. */
void fb_counts_parse(struct fb_counts *counts, const char *line);

#endif
