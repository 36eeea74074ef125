// SPDX-License-Identifier: Apache-2.0
#include "base/wall.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define FAR_AWAY 9000000000 /* in 2255 */
#define STEP 1000000	    /* ns; less is what reading two clocks one after the other costs */

/* Only a step of the clock ends the wait, which the kernel also calls waking up. */
static int wait_for_a_step(int timer)
{
	const struct itimerspec never = {.it_value.tv_sec = FAR_AWAY};

	return timerfd_settime(timer, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL);
}

void fb_wall_open(struct fb_wall *wall)
{
	wall->offset = fb_clock_offset();
	wall->timer = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (wall->timer >= 0 && wait_for_a_step(wall->timer))
		fb_wall_close(wall);
}

bool fb_wall_stepped(struct fb_wall *wall)
{
	int64_t before = wall->offset, moved;
	uint64_t fired;

	if (wall->timer < 0 || read(wall->timer, &fired, sizeof(fired)) >= 0 || errno != ECANCELED)
		return false;
	wait_for_a_step(wall->timer);
	wall->offset = fb_clock_offset();
	moved = wall->offset - before;
	return moved > STEP || moved < -STEP;
}

void fb_wall_close(struct fb_wall *wall)
{
	if (wall->timer >= 0)
		close(wall->timer);
	wall->timer = -1;
}
