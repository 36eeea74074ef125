// SPDX-License-Identifier: Apache-2.0
#include "kept.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "clock.h"
#include "files.h"

#define BPFFS "/sys/fs/bpf"
#define MISSED "fleetbpf-missed" /* no name of a ring: those are C identifiers */

void fb_kept_place(struct fb_kept *kept, const struct fb_options *options)
{
	int length = snprintf(kept->folder, sizeof(kept->folder), BPFFS "/fleetbpf/%s/%s/%s",
			      options->deployment, options->program, options->release);

	if (!options->deployment[0] || !options->release[0] ||
	    (size_t)length >= sizeof(kept->folder))
		kept->folder[0] = '\0';
	/* bpffs takes no dots. */
	for (char *at = kept->folder; *at; at++)
		if (*at == '.')
			*at = ':';
}

static int path_of(const struct fb_kept *kept, const char *name, char path[PATH_MAX])
{
	return snprintf(path, PATH_MAX, "%s/%s", kept->folder, name) >= PATH_MAX ? -ENAMETOOLONG
										 : 0;
}

static int open_pin(const struct fb_kept *kept, const char *name)
{
	char path[PATH_MAX];
	int error = path_of(kept, name, path);

	return error ? error : bpf_obj_get(path);
}

static uint32_t size_of(int fd)
{
	struct bpf_map_info information = {};
	uint32_t length = sizeof(information);

	return bpf_obj_get_info_by_fd(fd, &information, &length) ? 0 : information.max_entries;
}

/* From where the killed loader's records in the spool end. */
static void recover_ring(const struct fb_ring_reader *of, int fd, uint64_t position, uint64_t told,
			 struct fb_sink *sink)
{
	uint64_t ignored;
	struct fb_ring_reader reader = {
		.ring = of->ring,
		.event = of->event,
		.sink = sink,
		.position = &ignored,
		.time = fb_now(),
		.skip = told,
	};

	if (fb_ring_map(&reader.view, fd, size_of(fd)))
		return;
	/* What was given back is told, though the step after that may not have been taken. */
	if (position > reader.view.position)
		reader.view.position = position;
	fb_ring_take(&reader.view, SIZE_MAX, fb_ring_reader_take, &reader);
	fb_ring_unmap(&reader.view);
}

static void recover_missed(const struct fb_kept *kept, uint64_t told, struct fb_sink *sink)
{
	int fd = open_pin(kept, MISSED);
	uint64_t missed = 0;
	uint32_t only = 0;

	if (fd < 0)
		return;
	if (!bpf_map_lookup_elem(fd, &only, &missed) && missed > told)
		fb_sink_missed(sink, missed - told, fb_now());
	close(fd);
}

void fb_kept_recover(const struct fb_kept *kept, const struct fb_rings *rings,
		     const struct fb_untold *untold, struct fb_sink *sink)
{
	for (size_t i = 0; untold && i < rings->count; i++) {
		const struct fb_ring_reader *reader = &rings->items[i];
		int fd = reader->ring->perf ? -1 : open_pin(kept, reader->ring->name);

		if (fd < 0)
			continue;
		recover_ring(reader, fd, untold->told.positions[i], untold->records[i], sink);
		close(fd);
	}
	if (untold)
		recover_missed(kept, untold->told.missed, sink);
	fb_sink_flush(sink);
	fb_kept_remove(kept);
}

/* systemd mounts it at boot; where there is none, perhaps nobody does. */
static int mount_bpffs(void)
{
	struct statfs found;

	if (!statfs(BPFFS, &found) && found.f_type == BPF_FS_MAGIC)
		return 0;
	return mount("bpf", BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") ? -errno
											 : 0;
}

static int pin(const struct fb_kept *kept, const char *name, const struct bpf_map *map)
{
	char path[PATH_MAX];
	int error = path_of(kept, name, path);

	return error ? error : bpf_obj_pin(bpf_map__fd(map), path);
}

void fb_kept_pin(struct fb_kept *kept, const struct fb_rings *rings, struct fb_warnings *warnings)
{
	int error;

	if (!kept->folder[0] || !rings->count)
		return;
	error = mount_bpffs();
	if (!error)
		error = fb_folder_make(kept->folder, 0700);
	for (size_t i = 0; !error && i < rings->count; i++)
		if (!rings->items[i].ring->perf)
			error = pin(kept, rings->items[i].ring->name, rings->items[i].map);
	if (!error && rings->counter)
		error = pin(kept, MISSED, rings->counter);
	if (!error)
		return;
	fb_warn(warnings,
		"should the loader be killed, what its ring buffers hold then is lost and not "
		"counted: cannot pin them in " BPFFS ": %s",
		strerror(-error));
	fb_kept_remove(kept);
	kept->folder[0] = '\0';
}

/* The folders above stay, for other releases; `destroy` removes them. */
void fb_kept_remove(const struct fb_kept *kept)
{
	DIR *listing = kept->folder[0] ? opendir(kept->folder) : NULL;
	const struct dirent *entry;

	if (!listing)
		return;
	while ((entry = readdir(listing)))
		unlinkat(dirfd(listing), entry->d_name, 0); /* not "." and ".." */
	closedir(listing);
	rmdir(kept->folder);
}
