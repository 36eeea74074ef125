/* SPDX-License-Identifier: Apache-2.0 */
/* The wall's clock, watched for steps: settimeofday(2), NTP, a wrong clock put right after boot. */
#ifndef FB_WALL_H
#define FB_WALL_H

#include <stdbool.h>
#include <stdint.h>

struct fb_wall {
	int timer;	/* readable after a step; -1 where it is not watched */
	int64_t offset; /* ns, wall minus boot clock; slewing moves both */
};

void fb_wall_open(struct fb_wall *wall);

/* Whether the offset has moved since the last look. */
bool fb_wall_stepped(struct fb_wall *wall);
void fb_wall_close(struct fb_wall *wall);

#endif
