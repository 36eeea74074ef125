/* SPDX-License-Identifier: Apache-2.0 */
/* What a loader that was killed had not written: read from the instance it left, or counted. */
#ifndef FB_RECOVER_H
#define FB_RECOVER_H

#include "sink.h"

/*
 * Read what is left in the instance `name`, if there is one, into the sink, and remove it.
 * `written` is how many messages the killed loader got as far as its spool: what it had read
 * beyond that went with it, and is counted as lost.
 *
 * Only with the spool locked: the instance must not be that of a loader that runs.
 */
void fb_recover(const char *name, uint64_t written, struct fb_sink *sink);

#endif
