// SPDX-License-Identifier: Apache-2.0
#include "handoff/pins.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/folders.h"
#include "events/bpffs.h"
#include "handoff/handoff.h"

#define SHARED "maps" /* beside the releases' folders; no release is called so */

static void name_of(const struct fb_map *map, char name[NAME_MAX + 1])
{
	snprintf(name, NAME_MAX + 1, "%s-%s", map->name, map->shape);
}

static void warn_apart(const struct fb_map *map, const char *why, struct fb_warnings *warnings)
{
	fb_warn(warnings, "the map %s is not shared with other releases: %s", map->name, why);
}

static bool is_alike(int fd, const struct bpf_map *map)
{
	struct bpf_map_info found = {};
	uint32_t length = sizeof(found);

	return !bpf_obj_get_info_by_fd(fd, &found, &length) && found.type == bpf_map__type(map) &&
	       found.key_size == bpf_map__key_size(map) &&
	       found.value_size == bpf_map__value_size(map) &&
	       found.max_entries == bpf_map__max_entries(map);
}

/* Whether `entry` is a pin of the map, in another shape. */
static bool is_other(const struct fb_map *map, const char *entry)
{
	size_t length = strlen(map->name);

	return !strncmp(entry, map->name, length) && entry[length] == '-' &&
	       strcmp(entry + length + 1, map->shape) != 0;
}

static bool has_other(int folder, const struct fb_map *map)
{
	int inside = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *listing = inside < 0 ? NULL : fdopendir(inside);
	const struct dirent *entry;
	bool found = false;

	if (!listing && inside >= 0)
		close(inside);
	while (listing && !found && (entry = readdir(listing)))
		found = is_other(map, entry->d_name);
	if (listing)
		closedir(listing);
	return found;
}

static void take(const struct fb_pins *pins, const struct fb_map *row, struct bpf_map *map,
		 struct fb_warnings *warnings)
{
	char name[NAME_MAX + 1], path[PATH_MAX];
	int fd, error;

	name_of(row, name);
	fb_bpffs_path(pins->folder, name, path);
	fd = bpf_obj_get(path);
	if (fd < 0 && has_other(pins->folder, row))
		fb_warn(warnings,
			"the map %s has another shape than in the releases before: it begins empty",
			row->name);
	if (fd < 0)
		return;
	/* The program's own sizes may come from the loader. */
	if (!is_alike(fd, map)) {
		unlinkat(pins->folder, name, 0);
	} else {
		error = bpf_map__reuse_fd(map, fd);
		if (error)
			warn_apart(row, fb_error_text(-error), warnings);
	}
	close(fd);
}

static int reach(struct fb_pins *pins, struct fb_problem *problem)
{
	const struct fb_way way = {.owner = FB_OURS, .make = true};
	char path[PATH_MAX];
	int error = fb_bpffs_mount();

	if (!error)
		error = fb_bpffs_folder(pins->options, SHARED, path);
	if (error)
		return error;
	pins->folder = fb_folder_reach(path, way, problem);
	return pins->folder < 0 ? pins->folder : 0;
}

/* In the first trial; in others the folder is open. */
static int open_folder(struct fb_pins *pins, const struct fb_map *row, struct fb_warnings *warnings)
{
	struct fb_problem problem = {};
	int error;

	if (pins->folder >= 0)
		return 0;
	if (!pins->options->deployment[0]) {
		warn_apart(row, "by hand there are none", warnings);
		return -ENOENT;
	}
	error = reach(pins, &problem);
	if (error)
		warn_apart(row, problem.message[0] ? problem.message : fb_error_text(-error),
			   warnings);
	return error;
}

void fb_pins_take(struct fb_pins *pins, struct bpf_object *object, struct fb_warnings *warnings)
{
	struct bpf_map *map;

	bpf_object__for_each_map (map, object)
		bpf_map__set_pin_path(map, NULL);
	for (size_t i = 0; i < pins->program->map_count && !pins->options->check; i++) {
		const struct fb_map *row = &pins->program->maps[i];

		map = row->shape ? bpf_object__find_map_by_name(object, row->name) : NULL;
		if (map && !open_folder(pins, row, warnings))
			take(pins, row, map, warnings);
	}
}

static int keep(const struct fb_pins *pins, const struct fb_map *row, const struct bpf_map *map)
{
	char name[NAME_MAX + 1], path[PATH_MAX];

	name_of(row, name);
	if (!faccessat(pins->folder, name, F_OK, 0)) /* it was taken */
		return 0;
	fb_bpffs_path(pins->folder, name, path);
	return bpf_obj_pin(bpf_map__fd(map), path);
}

void fb_pins_keep(const struct fb_pins *pins, const struct bpf_object *object,
		  struct fb_warnings *warnings)
{
	for (size_t i = 0; pins->folder >= 0 && i < pins->program->map_count; i++) {
		const struct fb_map *row = &pins->program->maps[i];
		const struct bpf_map *map =
			row->shape ? bpf_object__find_map_by_name(object, row->name) : NULL;
		int error = map ? keep(pins, row, map) : 0;

		if (error)
			warn_apart(row, fb_error_text(-error), warnings);
	}
}

void fb_pins_leave(const struct fb_pins *pins)
{
	char release[FB_RELEASE], name[NAME_MAX + 1];

	if (pins->folder < 0 || !fb_other_current(pins->options, release))
		return;
	for (size_t i = 0; i < pins->program->map_count; i++) {
		const struct fb_map *row = &pins->program->maps[i];

		if (!row->shape || !has_other(pins->folder, row))
			continue;
		name_of(row, name);
		unlinkat(pins->folder, name, 0);
	}
}

void fb_pins_close(struct fb_pins *pins)
{
	if (pins->folder >= 0)
		close(pins->folder);
	pins->folder = -1;
}
