/* SPDX-License-Identifier: Apache-2.0 */
/* How far a loader came with its spool, in memory that outlives it: for the one after a kill. */
#ifndef FB_PROGRESS_H
#define FB_PROGRESS_H

#include <stdint.h>

#include "spool.h"

/* What had been told of the trace buffer when the segment had this size. */
struct fb_step {
	uint64_t messages; /* written, or counted as lost in the spool */
	uint64_t lost;	   /* by the buffer, in records of that */
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
void fb_progress_set(struct fb_progress *progress, const struct fb_spool *spool, uint64_t messages,
		     uint64_t lost);

/* What the loader before got into its spool. */
struct fb_traced fb_progress_written(const struct fb_progress *progress, const char *spool_folder);

#endif
