// SPDX-License-Identifier: Apache-2.0
/* A map's entries as records: plain ones, sums of all processors, histograms, with stacks. */
#include <bpf/bpf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "maps/readout.h"
#include "maps/stacks.h"
#include "json/pick.h"

/* One readout at work. */
struct reading {
	struct fb_readout *readout;
	struct fb_sink *sink;
	struct fb_text key; /* JSON of the entry at hand */
	struct fb_text value;
	struct fb_text more;
	unsigned char *total; /* room for one value */
	struct fb_histograms histograms;
};

static size_t step_of(const struct fb_layout *layout)
{
	return layout->processors ? layout->stride / layout->processors : 0;
}

static void add(unsigned char *total, const unsigned char *value, size_t size)
{
	uint64_t sum = fb_load(total, size) + fb_load(value, size);

	memcpy(total, &sum, size);
}

static void add_up(const struct fb_map *map, const struct fb_layout *layout,
		   const unsigned char *values, unsigned char *total)
{
	memcpy(total, values, layout->value_size);
	for (size_t i = 1; i < layout->processors; i++)
		for (size_t j = 0; j < map->run_count; j++)
			for (size_t k = 0; k < map->runs[j].count; k++) {
				size_t at = map->runs[j].offset + k * map->runs[j].size;

				add(total + at, values + i * step_of(layout) + at,
				    map->runs[j].size);
			}
}

static void encode_value(struct reading *reading, const unsigned char *value)
{
	const struct fb_layout *layout = &reading->readout->layout;
	const struct fb_map *map = reading->readout->map;
	struct fb_text *out = &reading->value;

	if (map->type == BPF_MAP_TYPE_STACK_TRACE) {
		fb_stack_json(value, layout->value_size, out);
		return;
	}
	if (reading->readout->sum) {
		add_up(map, layout, value, reading->total);
		value = reading->total;
	}
	if (!layout->processors || reading->readout->sum) {
		map->value(out, value);
		return;
	}
	for (size_t i = 0; i < layout->processors; i++) {
		fb_text_puts(out, i ? "," : "[");
		map->value(out, value + i * step_of(layout));
	}
	fb_text_puts(out, "]");
}

/* ,"stacks":{"key.stack":["vfs_read+0x10",…]} */
static void encode_stacks(struct reading *reading)
{
	const struct fb_readout *readout = reading->readout;

	for (size_t i = 0; i < readout->stack_count; i++) {
		const struct fb_stack_field *field = &readout->stacks[i];
		struct fb_piece piece =
			fb_pick_from_entry(&reading->key, &reading->value, field->way);
		long long id;

		fb_text_puts(&reading->more, i ? "," : ",\"stacks\":{");
		fb_text_quote_string(&reading->more, field->way);
		fb_text_puts(&reading->more, ":");
		if (fb_piece_integer(piece, &id))
			fb_stack_find(field->layout.fd, field->layout.value_size, id,
				      &reading->more);
		else
			fb_text_puts(&reading->more, "null");
	}
	if (readout->stack_count)
		fb_text_puts(&reading->more, "}");
}

static void visit_entry(void *context, const unsigned char *key, const unsigned char *value)
{
	struct reading *reading = context;

	fb_text_cut(&reading->key, 0);
	fb_text_cut(&reading->value, 0);
	fb_text_cut(&reading->more, 0);
	reading->readout->map->key(&reading->key, key);
	encode_value(reading, value);
	encode_stacks(reading);
	fb_sink_map_entry(reading->sink, &reading->key, "value", &reading->value, &reading->more);
	for (size_t i = 0; i < reading->readout->metric_count; i++)
		fb_metric_add(&reading->readout->metrics[i], &reading->key, &reading->value);
}

static void visit_slots(void *context, const unsigned char *key, const unsigned char *value)
{
	struct reading *reading = context;
	const struct fb_layout *layout = &reading->readout->layout;
	const struct fb_slots *slots = &reading->readout->map->slots;
	bool in_key = slots->place == FB_SLOTS_IN_KEY;
	size_t size = in_key ? layout->value_size : slots->run.size;

	fb_text_cut(&reading->key, 0);
	if (slots->group)
		slots->group(&reading->key, key);
	else
		fb_text_puts(&reading->key, "null");
	fb_histograms_group(&reading->histograms, reading->key.bytes, reading->key.used);
	for (size_t i = 0; i < (layout->processors ? layout->processors : 1); i++) {
		const unsigned char *at =
			value + i * step_of(layout) + (in_key ? 0 : slots->run.offset);

		if (in_key)
			fb_histograms_add(&reading->histograms,
					  fb_load(key + slots->run.offset, slots->run.size),
					  fb_load(at, size));
		for (size_t j = 0; !in_key && j < slots->run.count; j++)
			fb_histograms_add(&reading->histograms, j, fb_load(at + j * size, size));
	}
}

static void measure(struct reading *reading, const struct fb_count *counts, size_t extent)
{
	for (size_t i = 0; i < reading->readout->metric_count; i++)
		for (size_t j = 0; j < extent; j++)
			fb_metric_count(&reading->readout->metrics[i], &reading->key,
					counts[j].slot, counts[j].count);
}

static int tell_histograms(struct reading *reading)
{
	struct fb_histograms *histograms = &reading->histograms;
	size_t extent;

	fb_histograms_settle(histograms);
	for (size_t i = 0; i < histograms->count; i += extent) {
		const struct fb_count *first = &histograms->counts[i];

		extent = fb_histograms_extent(histograms, i);
		fb_text_cut(&reading->key, 0);
		fb_text_cut(&reading->value, 0);
		fb_text_add(&reading->key, histograms->groups.bytes + first->group, first->length);
		fb_buckets_json(&reading->readout->scale, first, extent, &reading->value);
		fb_sink_map_entry(reading->sink, &reading->key, "buckets", &reading->value,
				  &reading->more);
		measure(reading, first, extent);
	}
	return histograms->failed ? -ENOMEM : 0;
}

/* How the record says that its entries are histograms, as a manifest does. */
static void describe(const struct fb_readout *readout, struct fb_text *about)
{
	fb_text_puts(about, "");
	if (readout->histogram && readout->scale.step)
		fb_text_printf(about, ",\"histogram\":{\"linear\":%" PRIu64 "}",
			       readout->scale.step);
	else if (readout->histogram)
		fb_text_puts(about, ",\"histogram\":\"log2\"");
}

void fb_readout_run(struct fb_readout *readout, struct fb_sink *sink)
{
	struct reading reading = {.readout = readout, .sink = sink};
	struct fb_text about = {};
	int error = 0;

	describe(readout, &about);
	fb_sink_map_begin(sink, readout->map->name, about.bytes ? about.bytes : "");
	if (readout->sum)
		reading.total = malloc(readout->layout.value_size);
	if (readout->sum && !reading.total)
		error = -ENOMEM;
	if (!error)
		error = fb_map_read(&readout->layout, readout->clear,
				    readout->histogram ? visit_slots : visit_entry, &reading);
	if (readout->histogram && !error)
		error = tell_histograms(&reading);
	fb_sink_map_end(sink, error);
	for (size_t i = 0; i < readout->metric_count; i++)
		fb_metric_end(&readout->metrics[i], &readout->scale, !error);
	fb_text_free(&reading.key);
	fb_text_free(&reading.value);
	fb_text_free(&reading.more);
	free(reading.total);
	fb_histograms_free(&reading.histograms);
	fb_text_free(&about);
}
