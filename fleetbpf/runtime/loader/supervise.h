/* SPDX-License-Identifier: Apache-2.0 */
/* --supervise: hosts without systemd; a background parent that starts the loader again. */
#ifndef FB_SUPERVISE_H
#define FB_SUPERVISE_H

#include <stdbool.h>
#include <sys/types.h>

/* What a supervised loader needs to know; {.ready = -1} in one that is not. */
struct fb_supervised {
	pid_t supervisor;
	unsigned int tries; /* the number of this try, from 1, since one that stayed; 0: none */
	int ready;	    /* write here when ready; -1 when that is done or nobody waits */
	bool *was_ready;    /* shared with the supervisor: some child became ready */
};

/*
 * Runs `work` in a child and starts it again (after 1 s, 2 s … 30 s) when it dies, until it has
 * died too often (tries.h). Returns in the first process, with the exit status for it: 0 when the
 * child is ready, else what it failed with.
 */
int fb_supervise(int (*work)(void *context, struct fb_supervised *supervised), void *context,
		 const char *run);

/* The child is ready: let go of the terminal, and let the first process return. */
void fb_supervised_ready(struct fb_supervised *supervised);

#endif
