/* SPDX-License-Identifier: Apache-2.0 */
/* Classifiers of tc(8) on an interface's clsact, for kernels before 6.6: they have no links. */
#ifndef FB_TC_H
#define FB_TC_H

#include "attach/links.h"

/*
 * Put a program there, in the place of the one that the same `owner` has there: of the release
 * before, or of a loader that was killed. *previous gets a descriptor of that one, or -1.
 */
int fb_tc_attach(struct fb_filter *filter, int program, const char *owner, int *previous);

/* Take away what `owner` has there, whichever loader put it there. */
void fb_tc_clean(struct fb_filter *filter, const char *owner);

/* Take it away if it is still ours; with a `previous` program, that one is there again. */
void fb_tc_detach(const struct fb_filter *filter, int previous);

#endif
