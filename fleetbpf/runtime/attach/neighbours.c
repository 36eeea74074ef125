// SPDX-License-Identifier: Apache-2.0
#include "attach/neighbours.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files.h"

static int add(struct fb_neighbours *neighbours, uint32_t id)
{
	uint32_t *links = realloc(neighbours->links, (neighbours->count + 1) * sizeof(*links));

	if (!links)
		return -ENOMEM;
	neighbours->links = links;
	links[neighbours->count++] = id;
	return 0;
}

/* The kernel tells the id of a link in the fdinfo of each descriptor of it. */
static int add_link_of(struct fb_neighbours *neighbours, const char *fdinfo)
{
	struct fb_text text = {};
	const char *line;
	int error = 0;

	/* A descriptor that was closed meanwhile is none. */
	if (!fb_file_read(fdinfo, &text) && text.bytes) {
		line = strstr(text.bytes, "link_id:");
		if (line)
			error = add(neighbours, (uint32_t)strtoul(line + 8, NULL, 10));
	}
	fb_text_free(&text);
	return error;
}

static int add_links_of(struct fb_neighbours *neighbours, int pid)
{
	char folder[64], path[PATH_MAX];
	struct dirent *entry;
	int error = 0;
	DIR *entries;

	snprintf(folder, sizeof(folder), "/proc/%d/fdinfo", pid);
	entries = opendir(folder);
	if (!entries)
		return 0; /* it has ended */
	while (!error && (entry = readdir(entries))) {
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (entry->d_name[0] != '.')
			error = add_link_of(neighbours, path);
	}
	closedir(entries);
	return error;
}

/* The process that wrote a file of state; 0 when there is none. */
static int pid_in(const char *state)
{
	struct fb_text text = {};
	const char *pid;
	int found = 0;

	if (!fb_file_read(state, &text) && text.bytes) {
		pid = strstr(text.bytes, "\"pid\":");
		found = pid ? (int)strtol(pid + 6, NULL, 10) : 0;
	}
	fb_text_free(&text);
	return found;
}

int fb_neighbours_links(struct fb_neighbours *neighbours, const char *run)
{
	char folder[PATH_MAX], path[PATH_MAX];
	struct dirent *entry;
	int error = 0;
	DIR *entries;

	if (!run || snprintf(folder, sizeof(folder), "%s/..", run) >= (int)sizeof(folder))
		return 0;
	entries = opendir(folder);
	if (!entries)
		return -errno;
	while (!error && (entry = readdir(entries))) {
		int pid = 0;

		if (entry->d_name[0] != '.' && snprintf(path, sizeof(path), "%s/%s/state", folder,
							entry->d_name) < (int)sizeof(path))
			pid = pid_in(path);
		if (pid > 1 && pid != getpid())
			error = add_links_of(neighbours, pid);
	}
	closedir(entries);
	return error;
}

void fb_neighbours_free(struct fb_neighbours *neighbours)
{
	free(neighbours->links);
	neighbours->links = NULL;
	neighbours->count = 0;
}
