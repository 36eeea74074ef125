/* SPDX-License-Identifier: Apache-2.0 */
/* How often a loader that does not stay is started again: later each time, and not for ever. */
#ifndef FB_TRIES_H
#define FB_TRIES_H

#include <stdint.h>

#include "base/clock.h"
#include "base/problem.h"

#define FB_TRIES 10 /* some three minutes: a module or a mount may be late at boot */
#define FB_HEALTHY (120 * FB_SECOND) /* alive so long, what was before does not count */
#define FB_GAVE_UP 78		     /* the exit status; RestartPreventExitStatus of the unit */

/* Seconds from the beginning of a try, the first being 1, to that of the next. */
unsigned int fb_tries_pause(unsigned int number);

/*
 * Under systemd, which starts us again at once: count this try in the file `tries` of `folder`,
 * and wait until its time. Tells its number, 0 where nobody counts; an error when it is one too
 * many.
 */
int fb_tries_begin(const char *folder, unsigned int *number, struct fb_problem *problem);

/* What is told of a loader that ends without a reason. */
int fb_tries_fail(struct fb_problem *problem);

/* The problem of a try is what it is given up for, if it was the last one. */
void fb_tries_tell(unsigned int number, struct fb_problem *problem);

#endif
