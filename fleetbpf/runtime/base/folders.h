/* SPDX-License-Identifier: Apache-2.0 */
/* Folders that root works in: reached through none that somebody else could exchange meanwhile. */
#ifndef FB_FOLDERS_H
#define FB_FOLDERS_H

#include <stdbool.h>

#include "base/problem.h"

#define FB_FOLDERS "folders" /* the stage of a refusal */

enum fb_owner {
	FB_OURS, /* all folders belong to root, or to who runs us, and only they can change them */
	FB_ANYONE, /* of users perhaps, and of their groups: but not of all, and no user's link */
};

struct fb_way {
	enum fb_owner owner;
	bool make; /* with mode 0700, what is not there */
};

/*
 * The folder at `path`, open for names in it (O_PATH); a negative errno where there is none. Each
 * folder on the way, and each that a link leads through, is judged by its descriptor: what is
 * refused, the problem tells with its owner.
 */
int fb_folder_reach(const char *path, struct fb_way way, struct fb_problem *problem);

/* The same, where only the verdict counts. */
int fb_folder_check(const char *path, struct fb_way way, struct fb_problem *problem);

#endif
