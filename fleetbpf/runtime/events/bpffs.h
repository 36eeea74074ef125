/* SPDX-License-Identifier: Apache-2.0 */
/* The file system of pins: where a program's are, and how root works in what may be open to all. */
#ifndef FB_BPFFS_H
#define FB_BPFFS_H

#include <limits.h>

#include "asked/options.h"

/* systemd mounts it at boot; where there is none, perhaps nobody does: 0, or a negative errno. */
int fb_bpffs_mount(void);

/* The folder `name` of the program; -ENOENT where it has no place, as by hand. */
int fb_bpffs_folder(const struct fb_options *options, const char *name, char path[PATH_MAX]);

/* bpf(2) takes a path before 6.5: one through the folder's descriptor. */
void fb_bpffs_path(int folder, const char *name, char path[PATH_MAX]);

#endif
