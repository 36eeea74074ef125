// SPDX-License-Identifier: Apache-2.0
#include "maps/histogram.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

uint64_t fb_slot_from(const struct fb_scale *scale, uint64_t slot)
{
	if (scale->step)
		return slot > UINT64_MAX / scale->step ? UINT64_MAX : slot * scale->step;
	if (!slot)
		return 0;
	return slot > 63 ? UINT64_MAX : UINT64_C(1) << slot;
}

uint64_t fb_slot_to(const struct fb_scale *scale, uint64_t slot)
{
	if (scale->step)
		return fb_slot_from(scale, slot) > UINT64_MAX - scale->step
			       ? UINT64_MAX
			       : fb_slot_from(scale, slot) + scale->step - 1;
	return slot >= 63 ? UINT64_MAX : (UINT64_C(2) << slot) - 1;
}

void fb_histograms_group(struct fb_histograms *histograms, const char *json, size_t length)
{
	struct fb_text *groups = &histograms->groups;

	if (groups->used - histograms->group == length && length &&
	    !memcmp(groups->bytes + histograms->group, json, length))
		return;
	histograms->group = groups->used;
	fb_text_add(groups, json, length);
	histograms->failed = histograms->failed || groups->failed;
}

void fb_histograms_add(struct fb_histograms *histograms, uint64_t slot, uint64_t count)
{
	if (!count || histograms->failed)
		return;
	if (histograms->count == histograms->room) {
		size_t room = histograms->room ? histograms->room * 2 : 64;
		struct fb_count *counts = realloc(histograms->counts, room * sizeof(*counts));

		if (!counts) {
			histograms->failed = true;
			return;
		}
		histograms->counts = counts;
		histograms->room = room;
	}
	histograms->counts[histograms->count++] = (struct fb_count){
		.group = histograms->group,
		.length = histograms->groups.used - histograms->group,
		.slot = slot,
		.count = count,
	};
}

static int compare_groups(const struct fb_count *one, const struct fb_count *other,
			  const char *groups)
{
	size_t shorter = one->length < other->length ? one->length : other->length;
	int difference = 0;

	if (one->group != other->group && shorter)
		difference = memcmp(groups + one->group, groups + other->group, shorter);
	return difference ? difference
			  : (one->length > other->length) - (one->length < other->length);
}

static int by_group_and_slot(const void *left, const void *right, void *groups)
{
	const struct fb_count *one = left, *other = right;
	int difference = compare_groups(one, other, groups);

	return difference ? difference : (one->slot > other->slot) - (one->slot < other->slot);
}

void fb_histograms_settle(struct fb_histograms *histograms)
{
	char *groups = histograms->groups.bytes;
	struct fb_count *counts = histograms->counts;
	size_t kept = 0;

	if (!histograms->count)
		return;
	qsort_r(counts, histograms->count, sizeof(*counts), by_group_and_slot, groups);
	for (size_t i = 1; i < histograms->count; i++) {
		if (!by_group_and_slot(&counts[kept], &counts[i], groups))
			counts[kept].count += counts[i].count;
		else
			counts[++kept] = counts[i];
	}
	histograms->count = kept + 1;
}

size_t fb_histograms_extent(const struct fb_histograms *histograms, size_t first)
{
	size_t next = first;

	while (next < histograms->count &&
	       !compare_groups(&histograms->counts[first], &histograms->counts[next],
			       histograms->groups.bytes))
		next++;
	return next - first;
}

void fb_buckets_json(const struct fb_scale *scale, const struct fb_count *counts, size_t extent,
		     struct fb_text *out)
{
	fb_text_puts(out, "[");
	for (size_t i = 0; i < extent; i++)
		fb_text_printf(out, "%s[%" PRIu64 ",%" PRIu64 ",%" PRIu64 "]", i ? "," : "",
			       fb_slot_from(scale, counts[i].slot),
			       fb_slot_to(scale, counts[i].slot), counts[i].count);
	fb_text_puts(out, "]");
}

void fb_histograms_free(struct fb_histograms *histograms)
{
	fb_text_free(&histograms->groups);
	free(histograms->counts);
	memset(histograms, 0, sizeof(*histograms));
}
