/* SPDX-License-Identifier: Apache-2.0 */
/* Append-only segments on disk, bounded by size; a full disk stops nothing and is counted. */
#ifndef FB_SPOOL_H
#define FB_SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "base/problem.h"
#include "spool/segments.h"

/* Who writes here: the labels of every segment's header. */
struct fb_labels {
	const char *deployment;
	const char *program;
	const char *release;
	const char *units; /* what fields of events are, as JSON, or "" */
};

struct fb_spool {
	const char *folder;
	struct fb_labels labels;
	char boot_id[FB_BOOT_ID];
	uint64_t limit;	       /* bytes, all segments together */
	uint64_t segment_size; /* bytes, one segment */
	unsigned int number;   /* of the open segment */
	int fd;		       /* -1: none could be opened yet */
	int lock;	       /* the folder, locked: one loader writes here */
	uint64_t used;	       /* bytes in the open segment */
	struct fb_text torn;   /* the rest of a record that a full disk cut */
	uint64_t lost;	       /* lines not written and not yet reported */
	uint64_t lost_since;
	uint64_t lost_total;	 /* lines not written since the start */
	struct fb_counts counts; /* of all segments there ever were, up to here */
	unsigned int first;	 /* the oldest segment that is still there */
	uint64_t removed;	 /* lines that were written before it */
};

/* Make the folder and see what lies there; opens no segment yet. */
int fb_spool_prepare(struct fb_spool *spool, const char *folder, uint64_t limit,
		     const struct fb_labels *labels, struct fb_previous *previous,
		     struct fb_problem *problem);

/* Write whole records, which stand for `counts`; what finds no room is counted as lost. */
void fb_spool_write(struct fb_spool *spool, const char *bytes, size_t size,
		    const struct fb_counts *counts);

/* "written":… of all there ever was, and which segments are gone: "first":N,"removed":N */
void fb_spool_counts(const struct fb_spool *spool, struct fb_text *out);
void fb_spool_close(struct fb_spool *spool);

#endif
