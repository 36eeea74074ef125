// SPDX-License-Identifier: Apache-2.0
#include "loader/deadline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/files.h"
#include "spool/segments.h"

#define STAGE "expires"

bool fb_deadline_parse(struct fb_deadline *deadline, const char *text, const char *boot_id)
{
	char *rest, *end;
	uint64_t wall = strtoull(text, &rest, 10), uptime;
	size_t length = strlen(boot_id);
	bool ours = length && *rest == ' ' && !strncmp(rest + 1, boot_id, length) &&
		    rest[length + 1] == ' ';

	rest = *rest ? strchr(rest + 1, ' ') : NULL;
	uptime = rest ? strtoull(rest, &end, 10) : 0;
	if (!wall || !uptime || *end != '\n')
		return false;
	deadline->wall = ours ? 0 : wall;
	if (ours)
		deadline->at = uptime * FB_SECOND;
	return true;
}

void fb_deadline_set_clock(struct fb_deadline *deadline, uint64_t now, uint64_t wall_now)
{
	uint64_t left;

	if (!deadline->wall)
		return;
	left = deadline->wall > wall_now ? deadline->wall - wall_now : 0;
	if (left > deadline->most) /* a clock that is wrong until the network sets it */
		left = deadline->most;
	deadline->at = now + left * FB_SECOND;
}

static int read_file(struct fb_deadline *deadline, const char *path, struct fb_problem *problem)
{
	char boot_id[FB_BOOT_ID];
	struct fb_text text = {};
	int error = fb_file_read(path, &text);

	fb_boot_id(boot_id, sizeof(boot_id));
	if (!error && (!text.bytes || !fb_deadline_parse(deadline, text.bytes, boot_id)))
		error = -EINVAL;
	fb_text_free(&text);
	if (!error)
		return 0;
	fb_hint(problem, "`fleetbpf apply` grants it anew");
	return fb_fail(problem, STAGE, -error, "--deadline %s: %s", path, strerror(-error));
}

int fb_deadline_open(struct fb_deadline *deadline, const struct fb_options *options,
		     struct fb_problem *problem)
{
	uint64_t now = fb_now();
	int error;

	if (!options->expires)
		return 0;
	deadline->most = options->expires;
	deadline->at = now + options->expires * FB_SECOND;
	if (!options->deadline)
		return 0;
	error = read_file(deadline, options->deadline, problem);
	fb_deadline_set_clock(deadline, now, fb_clock(CLOCK_REALTIME) / FB_SECOND);
	return error;
}
