// SPDX-License-Identifier: Apache-2.0
#include "loader/loop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "attach/iter.h"
#include "base/clock.h"
#include "spool/state.h"
#include "json/hints.h"

#define ROUND (256 * 1024) /* most bytes of trace_pipe, or of a ring, between two flushes */
#define BUSY (64 * 1024)   /* a round with as many goes on at once */
#define RING_REST_MS 10	   /* with rings, which may be small: 256 KiB last 10 ms at 400 k/s */
#define REST_MS 50	   /* after a smaller one, lines may gather: fewer wake-ups and writes */
#define LONGEST_MS 1000	   /* should a wake-up be missed, lines are late by so much at most */

/* What is polled, in this order. */
enum {
	SIGNALS,
	WALL,
	DOOR,
	TRACE,
	FIRST_RING,
};

int fb_loop_signals(void)
{
	sigset_t set;
	int fd;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

static const char *signal_name(int signals)
{
	struct signalfd_siginfo info;

	if (read(signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return "signal";
	switch (info.ssi_signo) {
	case SIGTERM:
		return "SIGTERM";
	case SIGINT:
		return "SIGINT";
	case SIGHUP:
		return "SIGHUP";
	default:
		return "signal";
	}
}

static int milliseconds_until(uint64_t due)
{
	uint64_t now = fb_now();

	if (due <= now)
		return 0;
	due = (due - now) / 1000000 + 1;
	return due < LONGEST_MS ? (int)due : LONGEST_MS;
}

/* What is watched beside the signals; while `resting`, nothing is: poll(2) skips negatives. */
static nfds_t watch(struct pollfd *watched, const struct fb_trace *trace,
		    const struct fb_rings *rings, bool resting)
{
	watched[TRACE].fd = resting ? -1 : trace->instance->pipe;
	for (size_t i = 0; i < rings->count; i++)
		watched[FIRST_RING + i].fd = resting ? -1 : fb_ring_descriptor(&rings->items[i]);
	return FIRST_RING + rings->count;
}

static int milliseconds_to_wait(size_t taken, bool busy, const struct fb_loader *loader)
{
	uint64_t readout = fb_readouts_due(&loader->readouts);
	uint64_t iter = fb_iters_due(&loader->attachments);

	if (busy)
		return 0;
	if (taken)
		return loader->rings.count ? RING_REST_MS : REST_MS;
	return milliseconds_until(readout < iter ? readout : iter);
}

/* Once a second at most, and not when nothing has changed. */
static void tell_counts(struct fb_loader *loader)
{
	uint64_t now = fb_now();

	if (!loader->sink.spool || now - loader->told_at < FB_SECOND ||
	    !memcmp(&loader->told, &loader->spool.counts, sizeof(loader->told)))
		return;
	loader->told = loader->spool.counts;
	loader->told_at = now;
	fb_state_counts(loader->options.run, &loader->spool);
}

static void tell_clock(struct fb_loader *loader)
{
	fb_sink_clock(&loader->sink, loader->wall.offset);
	fb_deadline_set_clock(&loader->deadline, fb_now(), fb_clock(CLOCK_REALTIME) / FB_SECOND);
}

const char *fb_loop_round(struct fb_loader *loader, size_t *taken, bool *busy)
{
	struct fb_trace *trace = &loader->trace;
	struct fb_rings *rings = &loader->rings;
	struct fb_sink *sink = &loader->sink;
	ssize_t traced;

	fb_hints_set_clock(fb_clock_offset());
	if (fb_wall_stepped(&loader->wall))
		tell_clock(loader);
	traced = trace->instance->pipe < 0 ? 0 : fb_trace_read(trace, ROUND);
	if (traced < 0)
		return "trace";
	*taken = (size_t)traced + fb_rings_read(rings, ROUND, busy);
	*busy = *busy || traced >= BUSY;
	fb_rings_account(rings, sink);
	fb_sink_limit(sink, fb_now(), false);
	fb_readouts_run(&loader->readouts, fb_now(), sink);
	fb_iters_run(&loader->attachments, fb_now(), sink);
	fb_sink_flush(sink);
	fb_rings_release(rings);
	tell_counts(loader);
	return sink->broken ? "stdout" : NULL;
}

const char *fb_loop_run(struct fb_loader *loader)
{
	struct pollfd watched[FIRST_RING + FB_RINGS];
	const char *reason;
	size_t taken = 0;
	bool busy = false;

	for (size_t i = 0; i < sizeof(watched) / sizeof(*watched); i++)
		watched[i] = (struct pollfd){.fd = loader->signals, .events = POLLIN};
	watched[WALL].fd = loader->wall.timer;
	watched[DOOR].fd = loader->handoff.door;
	for (;;) {
		nfds_t count = watch(watched, &loader->trace, &loader->rings, taken > 0);

		poll(watched, count, milliseconds_to_wait(taken, busy, loader));
		if (watched[SIGNALS].revents)
			return signal_name(loader->signals);
		if (fb_deadline_passed(&loader->deadline, fb_now()))
			return "expired";
		reason = fb_loop_round(loader, &taken, &busy);
		if (reason)
			return reason;
		if (fb_handoff_take(&loader->handoff, watched[DOOR].revents))
			busy = true;
	}
}
