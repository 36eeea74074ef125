// SPDX-License-Identifier: Apache-2.0
#include "spool/counts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/segments.h"

static const char *const names[FB_LOSSES] = {
	[FB_KERNEL] = "kernel",
	[FB_LIMIT] = "limit",
	[FB_LOADER] = "loader",
	[FB_SPOOL] = "spool",
};

const char *fb_loss_name(enum fb_loss place)
{
	return names[place];
}

void fb_counts_add(struct fb_counts *counts, const struct fb_counts *more)
{
	counts->written += more->written;
	counts->killed += more->killed;
	for (int place = 0; place < FB_LOSSES; place++)
		counts->lost[place] += more->lost[place];
}

static void take_record(struct fb_counts *counts, const char *line, size_t length)
{
	char name[16] = "";

	switch (fb_record_kind(line, length)) {
	case FB_RECORD_OF_FLEETBPF:
		return;
	case FB_RECORD_OUTPUT:
		counts->written++;
		return;
	case FB_RECORD_LOST:
		break;
	}
	/* What went with an old segment was written once. */
	if (memmem(line, length, ",\"segment\":", strlen(",\"segment\":")))
		return;
	for (int place = 0; place < FB_LOSSES; place++) {
		int size = snprintf(name, sizeof(name), "\"%s\"", names[place]);

		if (memmem(line, length, name, (size_t)size))
			counts->lost[place] += fb_records_weigh(line, length);
	}
}

void fb_counts_take(struct fb_counts *counts, const char *bytes, size_t size)
{
	const char *end;

	while (size && (end = memchr(bytes, '\n', size))) {
		take_record(counts, bytes, (size_t)(end - bytes) + 1);
		size -= (size_t)(end + 1 - bytes);
		bytes = end + 1;
	}
	if (size)
		counts->lost[FB_LOADER]++;
}

void fb_counts_json(const struct fb_counts *counts, struct fb_text *out)
{
	fb_text_printf(out, "\"written\":%" PRIu64 ",\"lost\":{", counts->written);
	for (int place = 0; place < FB_LOSSES; place++)
		fb_text_printf(out, "%s\"%s\":%" PRIu64, place ? "," : "", names[place],
			       counts->lost[place]);
	fb_text_printf(out, "},\"killed\":%" PRIu64, counts->killed);
}

static uint64_t number_after(const char *text, const char *name)
{
	char key[24];
	const char *at;

	snprintf(key, sizeof(key), "\"%s\":", name);
	at = strstr(text, key);
	return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

void fb_counts_parse(struct fb_counts *counts, const char *line)
{
	const char *at = strstr(line, "\"counts\":{");

	memset(counts, 0, sizeof(*counts));
	if (!at)
		return;
	counts->written = number_after(at, "written");
	counts->killed = number_after(at, "killed");
	for (int place = 0; place < FB_LOSSES; place++)
		counts->lost[place] = number_after(at, names[place]);
}
