/* SPDX-License-Identifier: Apache-2.0 */
/* Functions that decide on what goes through the sockets in a map of the same program. */
#ifndef FB_SOCKMAP_H
#define FB_SOCKMAP_H

#include "attach/attach.h"

int fb_sockmap_prepare(const struct fb_attachment *attachment, struct fb_problem *problem);

/* No link: it goes with the map. */
int fb_sockmap_attach(struct fb_attachment *attachment);

#endif
