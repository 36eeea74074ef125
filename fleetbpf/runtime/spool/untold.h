/* SPDX-License-Identifier: Apache-2.0 */
/* How far a loader came that was killed: its last step, and what its spool has beyond that. */
#ifndef FB_UNTOLD_H
#define FB_UNTOLD_H

#include "spool/progress.h"

/* Names of rings, in the order of their positions. */
struct fb_ring_names {
	const char *items[FB_RINGS];
	size_t count;
};

/* What is told, by the step and by the records after it. */
struct fb_untold {
	struct fb_told told;	    /* positions: of the step */
	uint64_t records[FB_RINGS]; /* of each ring, after its position */
};

/*
 * Every write of a batch takes the next step, so what a kill leaves beyond the last one is a part
 * of one batch, or what the start after a kill has recovered before it was killed itself.
 */
void fb_untold_find(struct fb_untold *untold, const struct fb_step *step, const char *spool_folder,
		    const struct fb_ring_names *rings);

#endif
