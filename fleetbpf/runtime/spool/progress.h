/* SPDX-License-Identifier: Apache-2.0 */
/* How far a loader came with its spool, in memory that outlives it: for the one after a kill. */
#ifndef FB_PROGRESS_H
#define FB_PROGRESS_H

#include <stdint.h>

#include "spool/spool.h"

#define FB_RINGS 16 /* rings of one program that are read */

/* How much of what the kernel's buffers gave is told: written, or counted as lost in the spool. */
struct fb_told {
	uint64_t messages;	      /* of the trace buffer */
	uint64_t untraced;	      /* messages that the trace buffer lost */
	uint64_t missed;	      /* events that found no room in a ring */
	uint64_t positions[FB_RINGS]; /* of the rings, in their order: all before is told */
};

/* What was told when the segment had this size. */
struct fb_step {
	struct fb_told told;
	uint64_t segment;
	uint64_t size;
};

/* The step that `current` points to is whole, whenever the loader is killed. */
struct fb_progress {
	struct fb_step steps[2];
	uint64_t current;
};

/* Map `progress` in the folder; NULL without a folder, or when it cannot be had. */
struct fb_progress *fb_progress_open(const char *folder);
void fb_progress_set(struct fb_progress *progress, const struct fb_spool *spool,
		     const struct fb_told *told);

/* The last step of the loader before. */
const struct fb_step *fb_progress_step(const struct fb_progress *progress);

#endif
