// SPDX-License-Identifier: Apache-2.0
#include "events/kept.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/folders.h"
#include "events/bpffs.h"

#define BPFFS "/sys/fs/bpf"
#define MISSED "fleetbpf-missed" /* no name of a ring: those are C identifiers */

void fb_kept_place(struct fb_kept *kept, const struct fb_options *options)
{
	fb_bpffs_folder(options, options->release, kept->path);
}

/* Its folder, or a negative errno: bpffs may be open to all, and its path is made by anybody. */
static int reach(const struct fb_kept *kept, bool make, struct fb_problem *problem)
{
	const struct fb_way way = {.owner = FB_OURS, .make = make};

	return kept->path[0] ? fb_folder_reach(kept->path, way, problem) : -ENOENT;
}

static int open_pin(int folder, const char *name)
{
	char path[PATH_MAX];

	fb_bpffs_path(folder, name, path);
	return bpf_obj_get(path);
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

static void recover_missed(int folder, uint64_t told, struct fb_sink *sink)
{
	int fd = open_pin(folder, MISSED);
	uint64_t missed = 0;
	uint32_t only = 0;

	if (fd < 0)
		return;
	if (!bpf_map_lookup_elem(fd, &only, &missed) && missed > told)
		fb_sink_missed(sink, missed - told, fb_now());
	close(fd);
}

static void recover(int folder, const struct fb_rings *rings, const struct fb_untold *untold,
		    struct fb_sink *sink)
{
	for (size_t i = 0; i < rings->count; i++) {
		const struct fb_ring_reader *reader = &rings->items[i];
		int fd = reader->ring->perf ? -1 : open_pin(folder, reader->ring->name);

		if (fd < 0)
			continue;
		recover_ring(reader, fd, untold->told.positions[i], untold->records[i], sink);
		close(fd);
	}
	recover_missed(folder, untold->told.missed, sink);
}

void fb_kept_recover(const struct fb_kept *kept, const struct fb_rings *rings,
		     const struct fb_untold *untold, struct fb_sink *sink)
{
	struct fb_problem ignored = {}; /* a folder that is not ours holds nothing of ours */
	int folder = reach(kept, false, &ignored);

	if (folder >= 0 && untold)
		recover(folder, rings, untold, sink);
	if (folder >= 0)
		close(folder);
	fb_sink_flush(sink);
	fb_kept_remove(kept);
}

static int pin(int folder, const char *name, const struct bpf_map *map)
{
	char path[PATH_MAX];

	fb_bpffs_path(folder, name, path);
	return bpf_obj_pin(bpf_map__fd(map), path);
}

static int pin_all(int folder, const struct fb_rings *rings)
{
	int error = 0;

	for (size_t i = 0; !error && i < rings->count; i++)
		if (!rings->items[i].ring->perf)
			error = pin(folder, rings->items[i].ring->name, rings->items[i].map);
	return error || !rings->counter ? error : pin(folder, MISSED, rings->counter);
}

void fb_kept_pin(struct fb_kept *kept, const struct fb_rings *rings, struct fb_warnings *warnings)
{
	struct fb_problem problem = {};
	int folder, error;

	if (!kept->path[0] || !rings->count)
		return;
	error = fb_bpffs_mount();
	folder = error ? error : reach(kept, true, &problem);
	error = folder < 0 ? folder : pin_all(folder, rings);
	if (folder >= 0)
		close(folder);
	if (!error)
		return;
	fb_warn(warnings,
		"should the loader be killed, what its ring buffers hold then is lost and not "
		"counted: cannot pin them in " BPFFS ": %s%s%s",
		problem.message[0] ? problem.message : fb_error_text(-error),
		problem.hint[0] ? "; " : "", problem.hint);
	fb_kept_remove(kept);
	kept->path[0] = '\0';
}

/* The folders above stay, for other releases; `destroy` removes them. */
void fb_kept_remove(const struct fb_kept *kept)
{
	struct fb_problem ignored = {};
	int folder = reach(kept, false, &ignored), inside, above;
	const struct dirent *entry;
	DIR *listing;

	if (folder < 0)
		return;
	inside = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	above = openat(folder, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	listing = inside < 0 ? NULL : fdopendir(inside);
	while (listing && (entry = readdir(listing)))
		unlinkat(folder, entry->d_name, 0); /* not "." and ".." */
	if (above >= 0) {
		unlinkat(above, strrchr(kept->path, '/') + 1, AT_REMOVEDIR);
		close(above);
	}
	if (listing)
		closedir(listing);
	close(folder);
}
