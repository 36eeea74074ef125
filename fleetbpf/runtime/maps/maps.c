// SPDX-License-Identifier: Apache-2.0
#include "maps/maps.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"

/* Each --metric is of a map that --map names, and there is a file for it. */
static int plan_textfile(struct fb_readouts *readouts, const struct fb_options *options,
			 struct fb_problem *problem)
{
	size_t planned = 0;

	for (size_t i = 0; i < readouts->count; i++)
		planned += readouts->items[i].metric_count;
	if (planned != options->metric.count)
		return fb_fail(problem, "metrics", 0, "a --metric is of a map that no --map names");
	if (!planned)
		return 0;
	if (!options->textfile)
		return fb_fail(problem, "metrics", 0, "--metric needs --textfile");
	return fb_textfile_plan(&readouts->textfile, options->textfile, options->deployment,
				options->program, problem);
}

int fb_readouts_plan(struct fb_readouts *readouts, const struct fb_program *program,
		     const struct fb_options *options, struct fb_problem *problem)
{
	const struct fb_pairs *wanted = &options->map;
	int error = 0;

	readouts->items = calloc(wanted->count ? wanted->count : 1, sizeof(*readouts->items));
	if (!readouts->items)
		return fb_fail(problem, "maps", ENOMEM, "out of memory");
	while (!error && readouts->count < wanted->count) {
		struct fb_readout *readout = &readouts->items[readouts->count];

		error = fb_readout_plan(readout, program, &wanted->items[readouts->count++],
					&options->metric, problem);
	}
	return error ? error : plan_textfile(readouts, options, problem);
}

int fb_readouts_open(struct fb_readouts *readouts, fb_map_lookup *lookup, void *context,
		     struct fb_problem *problem)
{
	int error = 0;

	for (size_t i = 0; !error && i < readouts->count; i++) {
		error = fb_readout_open(&readouts->items[i], lookup, context, problem);
		readouts->items[i].due = fb_now() + readouts->items[i].every;
	}
	return error;
}

static void write_textfile(struct fb_readouts *readouts)
{
	struct fb_text whole = {};

	fb_text_puts(&whole, "");
	for (size_t i = 0; i < readouts->count; i++)
		for (size_t j = 0; j < readouts->items[i].metric_count; j++) {
			const struct fb_text *block = &readouts->items[i].metrics[j].block;

			fb_text_add(&whole, block->bytes ? block->bytes : "", block->used);
			whole.failed = whole.failed || block->failed;
		}
	fb_textfile_write(&readouts->textfile, &whole);
	fb_text_free(&whole);
}

void fb_readouts_run(struct fb_readouts *readouts, uint64_t now, struct fb_sink *sink)
{
	bool measured = false;

	for (size_t i = 0; i < readouts->count; i++) {
		struct fb_readout *readout = &readouts->items[i];

		if (readout->due > now)
			continue;
		fb_readout_run(readout, sink);
		measured = measured || readout->metric_count;
		readout->due += readout->every;
		if (readout->due <= now) /* slept through some: no burst */
			readout->due = now + readout->every;
	}
	if (measured)
		write_textfile(readouts);
}

void fb_readouts_finish(struct fb_readouts *readouts, struct fb_sink *sink)
{
	for (size_t i = 0; i < readouts->count; i++)
		fb_readout_run(&readouts->items[i], sink);
	fb_textfile_remove(&readouts->textfile);
}

uint64_t fb_readouts_due(const struct fb_readouts *readouts)
{
	uint64_t due = UINT64_MAX;

	for (size_t i = 0; i < readouts->count; i++)
		if (readouts->items[i].due < due)
			due = readouts->items[i].due;
	return due;
}

void fb_readouts_free(struct fb_readouts *readouts)
{
	for (size_t i = 0; i < readouts->count; i++)
		fb_readout_free(&readouts->items[i]);
	free(readouts->items);
	readouts->items = NULL;
	readouts->count = 0;
}
