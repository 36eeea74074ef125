// SPDX-License-Identifier: Apache-2.0
#include "spool/untold.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/record.h"
#include "spool/segments.h"

#define TRACE FB_KIND_TRACE "\""
#define EVENT FB_KIND_EVENT "\",\"ring\":\""
#define LOST_BY FB_KIND_LOST "\",\"place\":"
#define BY_TRACE LOST_BY "\"kernel\",\"buffer\":\"trace\""
#define BY_RING LOST_BY "\"kernel\",\"buffer\":\"ring\""
#define BY_KILL LOST_BY "\"loader\""
#define COUNT ",\"count\":"

struct reading {
	struct fb_untold *untold;
	const struct fb_ring_names *rings;
};

/* Whether the record goes on so; what lies behind that is for the caller. */
static bool is(const char *rest, const char *end, const char *word)
{
	size_t length = strlen(word);

	return rest && (size_t)(end - rest) >= length && !memcmp(rest, word, length);
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
	const char *rest = fb_record_rest(line, length), *end = line + length;

	if (is(rest, end, EVENT))
		see_event(reading, rest + strlen(EVENT), end);
	else if (torn || is(rest, end, TRACE))
		told->messages++;
	else if (is(rest, end, BY_TRACE))
		told->untraced += count_in(line, length);
	else if (is(rest, end, BY_RING))
		told->missed += count_in(line, length);
	else if (is(rest, end, BY_KILL))
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
