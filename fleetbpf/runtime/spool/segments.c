// SPDX-License-Identifier: Apache-2.0
#include "spool/segments.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool/record.h"

#define HEADER "{\"fleetbpf\":"

int fb_segment_path(const char *folder, unsigned int number, char *path, size_t size)
{
	int length = snprintf(path, size, "%s/%08u.log", folder, number);

	return length < 0 || (size_t)length >= size ? -ENAMETOOLONG : 0;
}

/* The segment's number, or 0 when the name is not one of ours. */
static unsigned int segment_number(const char *name)
{
	char *end;
	unsigned long number = strtoul(name, &end, 10);

	return strlen(name) >= 12 && !strcmp(end, ".log") && number < UINT_MAX
		       ? (unsigned int)number
		       : 0;
}

/* The oldest and the newest segment, and what all of them use. */
static int survey(const char *folder, unsigned int *oldest, unsigned int *newest, uint64_t *used)
{
	DIR *listing = opendir(folder);
	struct dirent *entry;
	struct stat status;

	*oldest = *newest = 0;
	*used = 0;
	if (!listing)
		return -errno;
	while ((entry = readdir(listing))) {
		unsigned int number = segment_number(entry->d_name);

		if (!number)
			continue;
		if (!*oldest || number < *oldest)
			*oldest = number;
		if (number > *newest)
			*newest = number;
		if (!fstatat(dirfd(listing), entry->d_name, &status, AT_SYMLINK_NOFOLLOW))
			*used += (uint64_t)status.st_size;
	}
	closedir(listing);
	return 0;
}

static bool begins(const char *at, size_t length, const char *word)
{
	return length >= strlen(word) && !memcmp(at, word, strlen(word));
}

/* `at` is behind the quote that stands before a kind. */
static bool is_kind(const char *at, size_t length, const char *word)
{
	return begins(at, length, word) && length > strlen(word) && at[strlen(word)] == '"';
}

/* The digits after `key`, or 0. The bytes end in a newline, where strtoull stops. */
static uint64_t number_after(const char *line, size_t length, const char *key)
{
	const char *at = memmem(line, length, key, strlen(key));

	return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

const char *fb_record_rest(const char *line, size_t length)
{
	const char *at = line + strlen(FB_RECORD_TIME), *end = line + length;

	if (!begins(line, length, FB_RECORD_TIME))
		return NULL;
	while (at < end && *at >= '0' && *at <= '9')
		at++;
	return begins(at, (size_t)(end - at), FB_RECORD_KIND) ? at + strlen(FB_RECORD_KIND) : NULL;
}

enum fb_record_kind fb_record_kind(const char *line, size_t length)
{
	static const char *const ours[] = {FB_KINDS_OF_LOADER};
	const char *kind = fb_record_rest(line, length);
	size_t left = kind ? length - (size_t)(kind - line) : 0;

	if (begins(line, length, HEADER))
		return FB_RECORD_OF_FLEETBPF;
	if (kind && is_kind(kind, left, FB_KIND_LOST))
		return FB_RECORD_LOST;
	for (size_t i = 0; kind && i < sizeof(ours) / sizeof(*ours); i++)
		if (is_kind(kind, left, ours[i]))
			return FB_RECORD_OF_FLEETBPF;
	return FB_RECORD_OUTPUT;
}

static uint64_t weigh(const char *line, size_t length)
{
	switch (fb_record_kind(line, length)) {
	case FB_RECORD_LOST:
		return number_after(line, length, ",\"count\":");
	case FB_RECORD_OF_FLEETBPF:
		return 0;
	default:
		return 1;
	}
}

uint64_t fb_records_weigh(const char *bytes, size_t size)
{
	uint64_t lines = 0;
	const char *end;

	while (size && (end = memchr(bytes, '\n', size))) {
		lines += weigh(bytes, (size_t)(end - bytes) + 1);
		size -= (size_t)(end + 1 - bytes);
		bytes = end + 1;
	}
	return lines;
}

static void copy_boot_id(const char *header, char *boot_id)
{
	const char *at = strstr(header, "\"boot_id\":\"");
	size_t length;

	if (!at)
		return;
	at += strlen("\"boot_id\":\"");
	length = strcspn(at, "\"");
	if (length < FB_BOOT_ID)
		snprintf(boot_id, FB_BOOT_ID, "%.*s", (int)length, at);
}

/* The last line is a stop record, and it is whole. */
static bool ends_in_stop(FILE *file)
{
	char tail[512];
	const char *kind;
	size_t length;
	char *line;

	if (fseek(file, -(long)(sizeof(tail) - 1), SEEK_END) && fseek(file, 0, SEEK_SET))
		return false;
	length = fread(tail, 1, sizeof(tail) - 1, file);
	if (!length || tail[length - 1] != '\n')
		return false;
	tail[length - 1] = '\0';
	line = strrchr(tail, '\n'); /* there is none in a line that is longer than such a record */
	line = line ? line + 1 : tail;
	kind = fb_record_rest(line, strlen(line));
	return kind && is_kind(kind, strlen(kind), FB_KIND_STOP);
}

/* The header of a segment, without its newline; the caller frees it. */
static ssize_t read_header(FILE *file, char **header)
{
	size_t size = 0;

	return getline(header, &size, file);
}

/* The counts of a segment's end. */
static void read_counts(FILE *file, const char *header, struct fb_counts *counts)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t length;

	fb_counts_parse(counts, header);
	while ((length = getline(&line, &size, file)) > 0)
		fb_counts_take(counts, line, (size_t)length);
	free(line);
}

int fb_segments_first(const char *folder, unsigned int *first, uint64_t *removed)
{
	struct fb_counts counts = {};
	char path[PATH_MAX], *header = NULL;
	unsigned int newest;
	uint64_t used;
	FILE *file;
	int error = survey(folder, first, &newest, &used);

	*removed = 0;
	if (error || !*first)
		return error;
	error = fb_segment_path(folder, *first, path, sizeof(path));
	file = error ? NULL : fopen(path, "re");
	if (!file)
		return error ? error : -errno;
	if (read_header(file, &header) > 0)
		fb_counts_parse(&counts, header);
	*removed = counts.written;
	free(header);
	fclose(file);
	return 0;
}

int fb_segments_previous(const char *folder, struct fb_previous *previous)
{
	char path[PATH_MAX], *header = NULL;
	unsigned int oldest;
	uint64_t used;
	FILE *file;
	int error;

	memset(previous, 0, sizeof(*previous));
	error = survey(folder, &oldest, &previous->number, &used);
	if (error || !previous->number)
		return error;
	error = fb_segment_path(folder, previous->number, path, sizeof(path));
	if (error)
		return error;
	file = fopen(path, "re");
	if (!file)
		return -errno;
	if (read_header(file, &header) > 0) {
		copy_boot_id(header, previous->boot_id);
		read_counts(file, header, &previous->counts);
	}
	free(header);
	previous->stopped = ends_in_stop(file);
	fclose(file);
	return 0;
}

/* Count the lines of a segment that is about to go. */
static void count_lines(const char *path, struct fb_dropped *dropped)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	ssize_t length;

	while (file && (length = getline(&line, &size, file)) > 0) {
		if (line[length - 1] == '\n')
			dropped->lines += weigh(line, (size_t)length);
		if (!dropped->since)
			dropped->since = number_after(line, (size_t)length, "{\"time\":");
	}
	free(line);
	if (file)
		fclose(file);
}

int fb_segments_drop(const char *folder, uint64_t room, unsigned int newest,
		     struct fb_dropped *dropped)
{
	unsigned int last;
	char path[PATH_MAX];
	uint64_t used;
	int error;

	memset(dropped, 0, sizeof(*dropped));
	error = survey(folder, &dropped->number, &last, &used);
	if (error || used <= room || !dropped->number || dropped->number >= newest)
		return error;
	error = fb_segment_path(folder, dropped->number, path, sizeof(path));
	if (error)
		return error;
	count_lines(path, dropped);
	return unlink(path) ? -errno : 1;
}

static void walk(const char *path, uint64_t offset,
		 void (*see)(void *context, const char *line, size_t length), void *context)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	ssize_t length;

	if (file && fseek(file, (long)offset, SEEK_SET)) {
		fclose(file);
		return;
	}
	while (file && (length = getline(&line, &size, file)) > 0)
		see(context, line, (size_t)length);
	free(line);
	if (file)
		fclose(file);
}

void fb_segments_walk(const char *folder, unsigned int number, uint64_t offset,
		      void (*see)(void *context, const char *line, size_t length), void *context)
{
	unsigned int oldest, newest;
	char path[PATH_MAX];
	uint64_t used;

	if (survey(folder, &oldest, &newest, &used))
		return;
	for (unsigned int i = number < oldest ? oldest : number; i && i <= newest; i++)
		if (!fb_segment_path(folder, i, path, sizeof(path)))
			walk(path, i == number ? offset : 0, see, context);
}
