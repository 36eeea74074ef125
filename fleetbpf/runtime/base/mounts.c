// SPDX-License-Identifier: Apache-2.0
#include "base/mounts.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mount.h>

#define OURS "fleetbpf"
#define MOST 4

static struct {
	const char *type;
	const char *place;
} mounted[MOST];

static size_t count;

int fb_mount(const char *type, const char *place, const char *options)
{
	if (count == MOST)
		return -ENOSPC;
	if (mount(OURS, place, type, MS_NOSUID | MS_NODEV | MS_NOEXEC, options))
		return -errno;
	mounted[count].type = type;
	mounted[count++].place = place;
	return 0;
}

void fb_mounts_tell(const char *type, struct fb_warnings *warnings)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(mounted[i].type, type))
			fb_warn(warnings, "%s was not mounted: it is now, at %s", type,
				mounted[i].place);
}

void fb_mounts_undo(void)
{
	while (count)
		umount2(mounted[--count].place, UMOUNT_NOFOLLOW);
}
