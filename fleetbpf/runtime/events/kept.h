/* SPDX-License-Identifier: Apache-2.0 */
/* Rings that outlive their loader: pinned in bpffs, so that the start after a kill reads them. */
#ifndef FB_KEPT_H
#define FB_KEPT_H

#include <limits.h>

#include "asked/options.h"
#include "base/warnings.h"
#include "events/rings.h"
#include "spool/untold.h"

/* Where the rings of this release are pinned. */
struct fb_kept {
	char path[PATH_MAX]; /* of their folder; "": they are not */
};

/* With the spool locked: what lies there is of a loader that was killed. */
void fb_kept_place(struct fb_kept *kept, const struct fb_options *options);

/*
 * Tell what the killed loader had not: the records in its rings, and the events that found no room
 * there. NULL for `untold`: nobody knows how far it came, and nothing is told.
 */
void fb_kept_recover(const struct fb_kept *kept, const struct fb_rings *rings,
		     const struct fb_untold *untold, struct fb_sink *sink);

/* After the load. Where bpffs is not mounted it is now, or a warning says what that means. */
void fb_kept_pin(struct fb_kept *kept, const struct fb_rings *rings, struct fb_warnings *warnings);
void fb_kept_remove(const struct fb_kept *kept);

#endif
