/* SPDX-License-Identifier: Apache-2.0 */
/* What a loader that was killed had not written: read from the instance it left, or counted. */
#ifndef FB_RECOVER_H
#define FB_RECOVER_H

#include "spool/sink.h"

/*
 * Read what is left in the instance `name`, if there is one, into the sink, and remove it.
 * `told` is what the killed loader got as far as its spool: messages that it had read beyond that
 * went with it, as did losses of the buffer that it knew of; both are counted as lost. NULL: nobody
 * knows.
 *
 * Only with the spool locked: the instance must not be that of a loader that runs.
 */
void fb_recover(const char *name, const struct fb_told *told, struct fb_sink *sink);

#endif
