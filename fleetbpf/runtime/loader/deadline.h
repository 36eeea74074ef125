/* SPDX-License-Identifier: Apache-2.0 */
/* When a loader ends by itself: what --expires asks for, kept over kills, reboots and clocks. */
#ifndef FB_DEADLINE_H
#define FB_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

#include "asked/options.h"

struct fb_deadline {
	uint64_t at;   /* ns since boot; 0: never */
	uint64_t wall; /* s, where another boot granted it; 0: this boot did, whose clock counts */
	uint64_t most; /* s that may be left at most, whatever the clocks say */
};

/*
 * The file of --deadline has when it is over, by the wall's clock and by that of a boot: "SECONDS
 * BOOT_ID UPTIME". Without one the time begins now.
 */
int fb_deadline_open(struct fb_deadline *deadline, const struct fb_options *options,
		     struct fb_problem *problem);

/* The same of the file's text; false when it is none. */
bool fb_deadline_parse(struct fb_deadline *deadline, const char *text, const char *boot_id);

/* The wall's clock was set, or is read for the first time. */
void fb_deadline_set_clock(struct fb_deadline *deadline, uint64_t now, uint64_t wall_now);

static inline bool fb_deadline_passed(const struct fb_deadline *deadline, uint64_t now)
{
	return deadline->at && now >= deadline->at;
}

#endif
