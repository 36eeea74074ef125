/* SPDX-License-Identifier: Apache-2.0 */
/* What a loader may still do once everything is attached: no more than its loop has to. */
#ifndef FB_PRIVILEGES_H
#define FB_PRIVILEGES_H

#include "asked/options.h"

/* What the kernel asks a capability for, of all that a loop may have to do until its end. */
enum fb_duty {
	FB_CALL_BPF = 1 << 0, /* maps are read by bpf(2) */
	FB_FOREIGN_FOLDERS =
		1 << 1, /* spool, run or textfile belong to another user, or we are not root */
	FB_REMOVE_FILTERS = 1 << 2, /* tc's filters have no links: netlink takes them away */
	FB_START = 1 << 3,	    /* all that the start of any loader may have to do */
};

/* FB_FOREIGN_FOLDERS where one of the folders is not ours; NULL folders do not count. */
unsigned int fb_privileges_for_folders(const struct fb_options *options);

/*
 * Keep the capabilities of the duties and give up all others for good: bounding and ambient sets
 * too, and no new privileges by exec. `kept` gets their names, a JSON array.
 */
int fb_privileges_drop(unsigned int duties, struct fb_text *kept, struct fb_problem *problem);

#endif
