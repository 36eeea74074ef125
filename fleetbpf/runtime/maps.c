// SPDX-License-Identifier: Apache-2.0
#include "maps.h"

#include <errno.h>
#include <stdlib.h>

#include "clock.h"

int fb_readouts_plan(struct fb_readouts *readouts, const struct fb_program *program,
		     const struct fb_pairs *wanted, struct fb_problem *problem)
{
	int error = 0;

	if (!wanted->count)
		return 0;
	readouts->items = calloc(wanted->count, sizeof(*readouts->items));
	if (!readouts->items)
		return fb_fail(problem, "maps", ENOMEM, "out of memory");
	while (!error && readouts->count < wanted->count) {
		struct fb_readout *readout = &readouts->items[readouts->count];

		error = fb_readout_plan(readout, program, &wanted->items[readouts->count++],
					problem);
	}
	return error;
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

void fb_readouts_run(struct fb_readouts *readouts, uint64_t now, struct fb_sink *sink)
{
	for (size_t i = 0; i < readouts->count; i++) {
		struct fb_readout *readout = &readouts->items[i];

		if (readout->due > now)
			continue;
		fb_readout_run(readout, sink);
		readout->due += readout->every;
		if (now != UINT64_MAX && readout->due <= now) /* slept through some: no burst */
			readout->due = now + readout->every;
	}
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
