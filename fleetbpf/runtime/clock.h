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

/* What to add to time since boot to get the wall's time. */
static inline int64_t fb_clock_offset(void)
{
	return (int64_t)(fb_clock(CLOCK_REALTIME) - fb_now());
}

#endif
