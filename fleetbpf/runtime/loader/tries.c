// SPDX-License-Identifier: Apache-2.0
#include "loader/tries.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"

#define LONGEST_PAUSE 30 /* seconds; TimeoutStartSec of the unit has to leave room for a start */

unsigned int fb_tries_pause(unsigned int number)
{
	if (!number)
		return 0;
	return number > 5 ? LONGEST_PAUSE : 1U << (number - 1);
}

/* Of the file: the number of the last try, and when it began. It may be torn: then it is the first.
 */
static unsigned int last_try(const char *path, uint64_t *began)
{
	struct fb_text text = {};
	unsigned long number = 0;
	char *rest;

	if (!fb_file_read(path, &text) && !text.failed && text.used) {
		number = strtoul(text.bytes, &rest, 10);
		*began = strtoull(rest, NULL, 10);
	}
	fb_text_free(&text);
	if (number > FB_TRIES || *began > fb_now() || fb_now() - *began > FB_HEALTHY)
		return 0;
	return (unsigned int)number;
}

static void wait_until(uint64_t due)
{
	struct timespec until = {.tv_sec = (time_t)(due / FB_SECOND),
				 .tv_nsec = (long)(due % FB_SECOND)};

	while (clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
}

int fb_tries_begin(const char *folder, unsigned int *number, struct fb_problem *problem)
{
	char path[PATH_MAX], line[64];
	uint64_t began = 0;
	int length;

	*number = 0;
	if (!folder || !getenv("NOTIFY_SOCKET") ||
	    snprintf(path, sizeof(path), "%s/tries", folder) >= (int)sizeof(path))
		return 0;
	*number = last_try(path, &began);
	if (*number >= FB_TRIES)
		return fb_tries_fail(problem);
	if (*number)
		wait_until(began + fb_tries_pause(*number) * FB_SECOND);
	*number += 1;
	length = snprintf(line, sizeof(line), "%u %" PRIu64 "\n", *number, fb_now());
	fb_file_replace(path, line, (size_t)length,
			FB_PRIVATE); /* if not, systemd has a limit too */
	return 0;
}

int fb_tries_fail(struct fb_problem *problem)
{
	fb_hint(problem, "`fleetbpf apply` starts it again, when the cause is gone");
	return fb_fail(problem, "start", EAGAIN,
		       "given up: it was started %d times and ended soon each time", FB_TRIES);
}

void fb_tries_tell(unsigned int number, struct fb_problem *problem)
{
	char told[sizeof(problem->message)];

	if (number < FB_TRIES || !problem->message[0])
		return;
	snprintf(told, sizeof(told), "%s", problem->message);
	if (snprintf(problem->message, sizeof(problem->message), "given up after %u tries: %s",
		     number, told) >= (int)sizeof(problem->message))
		problem->message[sizeof(problem->message) - 1] = '\0';
	fb_hint(problem, "`fleetbpf apply` starts it again, when the cause is gone");
}
