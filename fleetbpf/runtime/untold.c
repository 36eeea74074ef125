// SPDX-License-Identifier: Apache-2.0
#include "untold.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "segments.h"

#define HEAD 64 /* bytes that hold time and kind; text behind them cannot look so */
#define TRACE ",\"kind\":\"trace\""
#define EVENT ",\"kind\":\"event\",\"ring\":\""
#define LOST_BY ",\"kind\":\"lost\",\"place\":"
#define BY_TRACE LOST_BY "\"kernel\",\"buffer\":\"trace\""
#define BY_RING LOST_BY "\"kernel\",\"buffer\":\"ring\""
#define BY_KILL LOST_BY "\"loader\""
#define COUNT ",\"count\":"

struct reading {
	struct fb_untold *untold;
	const struct fb_ring_names *rings;
};

static const char *find(const char *line, size_t length, const char *word)
{
	return memmem(line, length < HEAD ? length : HEAD, word, strlen(word));
}

/* Lines end in a newline, where strtoull stops; a torn record of ours has no number to its end. */
static uint64_t count_in(const char *line, size_t length)
{
	const char *at = memmem(line, length, COUNT, strlen(COUNT));

	return at ? strtoull(at + strlen(COUNT), NULL, 10) : 0;
}

static void see_event(struct reading *reading, const char *ring, const char *end)
{
	for (size_t i = 0; i < reading->rings->count; i++) {
		const char *name = reading->rings->items[i];
		size_t length = strlen(name);

		if ((size_t)(end - ring) > length && !memcmp(ring, name, length) &&
		    ring[length] == '"')
			reading->untold->records[i]++;
	}
}

static void see(void *context, const char *line, size_t length)
{
	struct reading *reading = context;
	struct fb_told *told = &reading->untold->told;
	bool torn = line[length - 1] != '\n';
	const char *event = find(line, length, EVENT);

	if (event)
		see_event(reading, event + strlen(EVENT), line + length);
	else if (torn || find(line, length, TRACE))
		told->messages++;
	else if (memmem(line, length, BY_TRACE, strlen(BY_TRACE)))
		told->untraced += count_in(line, length);
	else if (memmem(line, length, BY_RING, strlen(BY_RING)))
		told->missed += count_in(line, length);
	else if (memmem(line, length, BY_KILL, strlen(BY_KILL)))
		told->messages += count_in(line, length);
}

void fb_untold_find(struct fb_untold *untold, const struct fb_step *step, const char *spool_folder,
		    const struct fb_ring_names *rings)
{
	struct reading reading = {untold, rings};

	memset(untold, 0, sizeof(*untold));
	untold->told = step->told;
	fb_segments_walk(spool_folder, (unsigned int)step->segment, step->size, see, &reading);
}
