/* SPDX-License-Identifier: Apache-2.0 */
/* The clocks of records: time since boot, and the wall's. */
#ifndef FB_CLOCK_H
#define FB_CLOCK_H

#include <stdint.h>
#include <time.h>

#define FB_SECOND UINT64_C(1000000000)

static inline uint64_t fb_clock(clockid_t clock)
{
	struct timespec now;

	if (clock_gettime(clock, &now))
		return 0;
	return (uint64_t)now.tv_sec * FB_SECOND + (uint64_t)now.tv_nsec;
}

/* Nanoseconds since boot, suspend included: what the trace clock `boot` counts. */
static inline uint64_t fb_now(void)
{
	return fb_clock(CLOCK_BOOTTIME);
}

/*
 * What to add to time since boot to get the wall's time: the closest of some looks, because
 * anything may come between the readings of two clocks.
 */
static inline int64_t fb_clock_offset(void)
{
	uint64_t closest = UINT64_MAX;
	int64_t offset = 0;

	for (int i = 0; i < 3 && closest > 10000; i++) {
		uint64_t before = fb_now(), wall = fb_clock(CLOCK_REALTIME),
			 took = fb_now() - before;

		if (took >= closest)
			continue;
		closest = took;
		offset = (int64_t)(wall - before - took / 2);
	}
	return offset;
}

#endif
