/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's functions that match a glob and can be probed: what a kprobe.multi goes to. */
#ifndef FB_FUNCTIONS_H
#define FB_FUNCTIONS_H

#include <stddef.h>

struct fb_functions {
	unsigned long *addresses;
	size_t count;
};

/*
 * `available` is in the form of tracefs' available_filter_functions, `symbols` of /proc/kallsyms.
 * Returns 0; -ENOENT when none matches; -ENODEV when a list is not there; -EPERM when the kernel
 * hides its addresses (kernel.kptr_restrict=2); -ENOMEM.
 */
int fb_functions_find(struct fb_functions *functions, const char *glob, const char *available,
		      const char *symbols);
void fb_functions_free(struct fb_functions *functions);

#endif
