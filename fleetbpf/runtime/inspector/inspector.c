// SPDX-License-Identifier: Apache-2.0
/*
 * A program of its own: prints every BPF program that this kernel has loaded, one JSON line each,
 * with the processes that hold it: through the program's descriptor, or one of a link to it.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "base/text.h"

#define MOST_MAPS 256

/* Process `pid` holds program `id`. */
struct holder {
	uint32_t id;
	uint32_t pid;
};

struct holders {
	struct holder *items;
	size_t count;
};

static int add_holder(struct holders *holders, uint32_t id, uint32_t pid)
{
	struct holder *items;

	for (size_t i = holders->count; i > 0 && holders->items[i - 1].pid == pid; i--)
		if (holders->items[i - 1].id == id)
			return 0;
	items = realloc(holders->items, (holders->count + 1) * sizeof(*items));
	if (!items)
		return -ENOMEM;
	holders->items = items;
	items[holders->count++] = (struct holder){.id = id, .pid = pid};
	return 0;
}

/* Whether a descriptor is a BPF program or a link to one: cheaper to see than its fdinfo. */
static bool may_hold(const char *folder, const char *name)
{
	char path[PATH_MAX], target[64];
	ssize_t length;

	snprintf(path, sizeof(path), "%s/fd/%s", folder, name);
	length = readlink(path, target, sizeof(target) - 1);
	if (length <= 0)
		return false;
	target[length] = '\0';
	return strstr(target, "bpf");
}

/* prog_id of a descriptor, or 0. */
static uint32_t held_id(const char *folder, const char *name)
{
	struct fb_text text = {};
	char path[PATH_MAX];
	const char *at = NULL;
	uint32_t id = 0;

	snprintf(path, sizeof(path), "%s/fdinfo/%s", folder, name);
	if (!fb_file_read(path, &text) && text.used)
		at = strstr(text.bytes, "\nprog_id:");
	if (at)
		id = (uint32_t)strtoul(at + strlen("\nprog_id:"), NULL, 10);
	fb_text_free(&text);
	return id;
}

/* A process may end meanwhile: what is gone holds nothing. */
static int scan_process(struct holders *holders, uint32_t pid)
{
	char folder[64], path[80];
	struct dirent *entry;
	int error = 0;
	DIR *listing;

	snprintf(folder, sizeof(folder), "/proc/%u", pid);
	snprintf(path, sizeof(path), "%s/fd", folder);
	listing = opendir(path);
	if (!listing)
		return 0;
	while (!error && (entry = readdir(listing))) {
		uint32_t id;

		if (!isdigit((unsigned char)entry->d_name[0]) || !may_hold(folder, entry->d_name))
			continue;
		id = held_id(folder, entry->d_name);
		if (id)
			error = add_holder(holders, id, pid);
	}
	closedir(listing);
	return error;
}

static int scan_processes(struct holders *holders)
{
	DIR *listing = opendir("/proc");
	struct dirent *entry;
	int error = 0;

	if (!listing)
		return -errno;
	while (!error && (entry = readdir(listing))) {
		uint32_t pid = (uint32_t)strtoul(entry->d_name, NULL, 10);

		if (pid && pid != (uint32_t)getpid())
			error = scan_process(holders, pid);
	}
	closedir(listing);
	return error;
}

/*
 * Whether a path leads to the file that runs: a process may have a root of its own, in which its
 * program lies where another one lies for all others.
 */
static bool leads_to(const char *path, const char *running)
{
	struct stat here, there;

	return !stat(path, &here) && !stat(running, &there) && here.st_dev == there.st_dev &&
	       here.st_ino == there.st_ino;
}

static void add_executable(struct fb_text *out, uint32_t pid)
{
	char path[64], target[PATH_MAX];
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/%u/exe", pid);
	length = pid ? readlink(path, target, sizeof(target) - 1) : -1;
	if (length < 0) {
		fb_text_puts(out, "null,\"genuine\":false");
		return;
	}
	target[length] = '\0';
	fb_text_quote(out, target, (size_t)length);
	fb_text_printf(out, ",\"genuine\":%s", leads_to(target, path) ? "true" : "false");
}

static void add_holders(struct fb_text *out, const struct holders *holders, uint32_t id)
{
	uint32_t first = 0;

	fb_text_puts(out, ",\"pids\":[");
	for (size_t i = 0; i < holders->count; i++) {
		if (holders->items[i].id != id)
			continue;
		fb_text_printf(out, first ? ",%u" : "%u", holders->items[i].pid);
		first = first ? first : holders->items[i].pid;
	}
	fb_text_puts(out, "],\"exe\":");
	add_executable(out, first);
}

static void add_type(struct fb_text *out, enum bpf_prog_type type)
{
	const char *name = libbpf_bpf_prog_type_str(type);
	char number[16];

	/* Kernels newer than this libbpf have types that it cannot name. */
	snprintf(number, sizeof(number), "%d", (int)type);
	fb_text_quote_string(out, name ? name : number);
}

static void add_program(struct fb_text *out, const struct bpf_prog_info *info, const uint32_t *maps,
			const struct holders *holders)
{
	fb_text_printf(out, "{\"id\":%u,\"type\":", info->id);
	add_type(out, (enum bpf_prog_type)info->type);
	fb_text_puts(out, ",\"name\":");
	fb_text_quote(out, info->name, strnlen(info->name, sizeof(info->name)));
	fb_text_puts(out, ",\"tag\":\"");
	for (size_t i = 0; i < sizeof(info->tag); i++)
		fb_text_printf(out, "%02x", info->tag[i]);
	fb_text_printf(out, "\",\"load_time\":%" PRIu64 ",\"uid\":%u,\"map_ids\":[",
		       (uint64_t)info->load_time, info->created_by_uid);
	for (uint32_t i = 0; i < info->nr_map_ids && i < MOST_MAPS; i++)
		fb_text_printf(out, i ? ",%u" : "%u", maps[i]);
	fb_text_puts(out, "]");
	add_holders(out, holders, info->id);
	fb_text_puts(out, "}\n");
}

/* -ENOENT: it went away meanwhile. */
static int describe(struct fb_text *out, uint32_t id, const struct holders *holders)
{
	uint32_t maps[MOST_MAPS] = {};
	struct bpf_prog_info info = {.nr_map_ids = MOST_MAPS, .map_ids = (uintptr_t)maps};
	uint32_t size = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id), error;

	if (fd < 0)
		return fd;
	error = bpf_obj_get_info_by_fd(fd, &info, &size);
	close(fd);
	if (!error)
		add_program(out, &info, maps, holders);
	return error;
}

static int list(struct fb_text *out, const struct holders *holders)
{
	uint32_t id = 0;
	int error;

	while (!(error = bpf_prog_get_next_id(id, &id))) {
		error = describe(out, id, holders);
		if (error && error != -ENOENT)
			return error;
	}
	return error == -ENOENT ? 0 : error; /* that was the last one */
}

int main(void)
{
	struct holders holders = {};
	struct fb_text out = {};
	int error = scan_processes(&holders);

	if (!error)
		error = list(&out, &holders);
	if (!error && out.failed)
		error = -ENOMEM;
	if (!error && out.used)
		error = fb_write_all(STDOUT_FILENO, out.bytes, out.used, NULL);
	if (error)
		fprintf(stderr, "inspector: %s\n", strerror(-error));
	fb_text_free(&out);
	free(holders.items);
	return error ? 1 : 0;
}
