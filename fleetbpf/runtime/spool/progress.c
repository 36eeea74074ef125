// SPDX-License-Identifier: Apache-2.0
#include "spool/progress.h"

#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

struct fb_progress *fb_progress_open(const char *folder)
{
	const size_t size = sizeof(struct fb_progress);
	void *progress = MAP_FAILED;
	char path[PATH_MAX];
	int fd;

	if (!folder || snprintf(path, sizeof(path), "%s/progress", folder) >= (int)sizeof(path))
		return NULL;
	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return NULL;
	if (!ftruncate(fd, (off_t)size))
		progress = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return progress == MAP_FAILED ? NULL : progress;
}

void fb_progress_set(struct fb_progress *progress, const struct fb_spool *spool,
		     const struct fb_told *told)
{
	uint64_t next = progress->current ? 0 : 1;

	progress->steps[next] = (struct fb_step){
		.told = *told,
		/* Before the first write the next segment is still to be opened. */
		.segment = spool->number + (spool->fd < 0),
		.size = spool->used,
	};
	/* A kill stops between two stores: keep the compiler from moving them. */
	atomic_signal_fence(memory_order_seq_cst);
	progress->current = next;
}

const struct fb_step *fb_progress_step(const struct fb_progress *progress)
{
	return &progress->steps[progress->current ? 1 : 0];
}
