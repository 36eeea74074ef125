// SPDX-License-Identifier: Apache-2.0
#include "events/bpffs.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/vfs.h>

#include "base/mounts.h"

#define BPFFS "/sys/fs/bpf"

int fb_bpffs_mount(void)
{
	struct statfs found;

	if (!statfs(BPFFS, &found) && found.f_type == BPF_FS_MAGIC)
		return 0;
	return fb_mount("bpf", BPFFS, "mode=0700");
}

int fb_bpffs_folder(const struct fb_options *options, const char *name, char path[PATH_MAX])
{
	int length = snprintf(path, PATH_MAX, BPFFS "/fleetbpf/%s/%s/%s", options->deployment,
			      options->program, name);

	if (!options->deployment[0] || !name[0] || (size_t)length >= PATH_MAX) {
		path[0] = '\0';
		return -ENOENT;
	}
	/* It takes no dots. */
	for (char *at = path; *at; at++)
		if (*at == '.')
			*at = ':';
	return 0;
}

void fb_bpffs_path(int folder, const char *name, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "/proc/self/fd/%d/%s", folder, name);
}
