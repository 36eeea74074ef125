/* SPDX-License-Identifier: Apache-2.0 */
/* Other loaders of the same program on this host: the release before, while this one starts. */
#ifndef FB_NEIGHBOURS_H
#define FB_NEIGHBOURS_H

#include <stddef.h>
#include <stdint.h>

struct fb_neighbours {
	uint32_t *links; /* ids of what they hold */
	size_t count;
};

/* `run` is this loader's folder of state, theirs are beside it; NULL: there is nobody. */
int fb_neighbours_links(struct fb_neighbours *neighbours, const char *run);
void fb_neighbours_free(struct fb_neighbours *neighbours);

#endif
