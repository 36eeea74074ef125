/* SPDX-License-Identifier: Apache-2.0 */
/* A moment at which no processor is inside a BPF function, and how far ring buffers were then. */
#ifndef FB_QUIET_H
#define FB_QUIET_H

#include <stddef.h>
#include <stdint.h>

#include "spool/progress.h"

struct fb_quiet {
	const unsigned long *producers[2 * FB_RINGS]; /* positions that the kernel moves */
	size_t count;
	uint64_t positions[2 * FB_RINGS]; /* at that moment */
	uint64_t time;			  /* of it, ns since boot */
};

/*
 * Look for one, for two milliseconds at most: a thread of ours on every processor, all at the same
 * time and none interrupted, so that no function which the kernel runs with preemption off can be
 * between its begin and its end. 0, or -EAGAIN where there was none; another errno where we may not
 * use all processors.
 */
int fb_quiet_find(struct fb_quiet *quiet);

/* The positions as they are now, whatever runs. */
void fb_quiet_look(struct fb_quiet *quiet);

#endif
