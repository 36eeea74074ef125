// SPDX-License-Identifier: Apache-2.0
#include "loop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "clock.h"

#define ROUND (256 * 1024) /* most bytes of trace_pipe between two flushes */
#define BUSY (64 * 1024)   /* a round with as many goes on at once */
#define REST_MS 50	   /* after a smaller one, lines may gather: fewer wake-ups and writes */
#define LONGEST_MS 1000	   /* should a wake-up be missed, lines are late by so much at most */

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

const char *fb_loop_run(int signals, struct fb_trace *trace, struct fb_readouts *readouts,
			struct fb_sink *sink)
{
	struct pollfd watched[2] = {{.fd = signals, .events = POLLIN},
				    {.fd = trace->instance->pipe, .events = POLLIN}};
	ssize_t taken = 0;

	for (;;) {
		/* A negative descriptor is not watched: poll(2). */
		watched[1].fd = taken > 0 ? -1 : trace->instance->pipe;
		poll(watched, 2,
		     taken >= BUSY ? 0
		     : taken > 0   ? REST_MS
				   : milliseconds_until(fb_readouts_due(readouts)));
		if (watched[0].revents)
			return signal_name(signals);
		taken = trace->instance->pipe < 0 ? 0 : fb_trace_read(trace, ROUND);
		if (taken < 0)
			return "trace";
		fb_readouts_run(readouts, fb_now(), sink);
		fb_sink_flush(sink);
		if (sink->broken)
			return "stdout";
	}
}
