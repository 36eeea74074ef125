/* SPDX-License-Identifier: Apache-2.0 */
/* File systems of the kernel that systemd mounts at boot, and elsewhere perhaps nobody. */
#ifndef FB_MOUNTS_H
#define FB_MOUNTS_H

#include "base/warnings.h"

/*
 * Mount one by our name, which `destroy` knows it by; 0, or a negative errno. A program has few of
 * them, and `place` and `options` (or NULL) stay.
 */
int fb_mount(const char *type, const char *place, const char *options);

/* Say where one of that type was mounted, if it was. */
void fb_mounts_tell(const char *type, struct fb_warnings *warnings);

/* Unmount them, for who leaves nothing behind; what others use by now stays. */
void fb_mounts_undo(void);

#endif
