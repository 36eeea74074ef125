// SPDX-License-Identifier: Apache-2.0
#include "loader/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "attach/privileges.h"
#include "base/clock.h"
#include "base/confine.h"
#include "loader/tries.h"
#include "spool/state.h"

#define START 90 /* seconds until it must be ready; TimeoutStartSec of the unit */

static void to_null(int fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return;
	dup2(null, fd);
	if (null != fd)
		close(null);
}

/* A lock or a pipe of whoever started us must not stay open for as long as we run. */
static void close_others(int keep)
{
#ifdef SYS_close_range
	if (keep > 3)
		syscall(SYS_close_range, 3, keep - 1, 0);
	if (!syscall(SYS_close_range, keep + 1, ~0U, 0))
		return;
#endif
	for (int fd = 3; fd < 1024; fd++)
		if (fd != keep)
			close(fd);
}

void fb_supervised_ready(struct fb_supervised *supervised)
{
	if (supervised->was_ready)
		*supervised->was_ready = true;
	if (supervised->ready < 0)
		return;
	to_null(STDERR_FILENO);
	if (write(supervised->ready, "", 1) != 1)
		fprintf(stderr, "nobody waits for us\n");
	close(supervised->ready);
	supervised->ready = -1;
}

/* The signals that end us arrive through a file descriptor, in parent and child alike. */
static void block_signals(sigset_t *before)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, before);
}

static pid_t start_child(int (*work)(void *context, struct fb_supervised *supervised),
			 void *context, struct fb_supervised supervised, const sigset_t *signals)
{
	pid_t child = fork();

	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != supervised.supervisor) /* it died before prctl */
		_exit(1);
	sigprocmask(SIG_SETMASK, signals, NULL);
	exit(work(context, &supervised));
}

/* Wait for a signal; SIGCHLD too. With `seconds` (-1: for ever), 0 when none came. */
static int next_signal(int seconds)
{
	struct timespec limit = {.tv_sec = seconds};
	sigset_t set;
	int signal;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	do {
		signal = seconds < 0 ? sigwaitinfo(&set, NULL) : sigtimedwait(&set, NULL, &limit);
	} while (signal < 0 && errno == EINTR);
	return signal < 0 ? 0 : signal;
}

/* Wait until the child is gone; what we are told to do meanwhile, it is told. */
static int wait_for(pid_t child, bool *asked)
{
	int status = 0, signal;
	pid_t gone;

	for (;;) {
		gone = waitpid(child, &status, WNOHANG);
		if (gone == child || (gone < 0 && errno != EINTR))
			return status;
		signal = next_signal(-1);
		if (signal == SIGCHLD || !signal)
			continue;
		*asked = true;
		kill(child, SIGTERM);
	}
}

/* Sleep before the next start; true when we are asked to stop meanwhile. */
static bool pause_for(int seconds)
{
	int signal;

	while ((signal = next_signal(seconds)) == SIGCHLD)
		;
	return signal;
}

/* What starts loaders for as long as the host runs has no more than they need to start. */
static void keep_to_starting(void)
{
	struct fb_problem ignored = {}; /* then it goes on with what it has, as its loader would */
	struct fb_text kept = {};

	fb_privileges_drop(FB_START, &kept, &ignored);
	fb_confine(FB_TO_START);
	fb_text_free(&kept);
}

/* A loader that could not start has told why. */
static int tell_given_up(int status, const char *run)
{
	struct fb_problem problem = {};

	if (!WIFEXITED(status)) {
		fb_tries_fail(&problem);
		fb_state_failed(run, &problem);
		fb_problem_free(&problem);
	}
	return FB_GAVE_UP;
}

static int supervise(int (*work)(void *context, struct fb_supervised *supervised), void *context,
		     const char *run, int ready)
{
	struct fb_supervised supervised = {.supervisor = getpid(), .ready = ready};
	bool asked = false;
	int status;
	sigset_t signals;

	keep_to_starting();
	supervised.was_ready =
		mmap(NULL, sizeof(bool), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (supervised.was_ready == MAP_FAILED)
		return 1;
	block_signals(&signals);
	for (;;) {
		uint64_t started = fb_now();
		pid_t child;

		supervised.tries++;
		child = start_child(work, context, supervised, &signals);
		/* The first child alone speaks to the first process and to its terminal. */
		to_null(STDERR_FILENO);
		if (supervised.ready >= 0)
			close(supervised.ready);
		supervised.ready = -1;
		status = child < 0 ? 1 << 8 : wait_for(child, &asked);
		if (*supervised.was_ready)
			fb_state_stopped(run);
		if (asked || (WIFEXITED(status) && !WEXITSTATUS(status)))
			return 0;
		/* Not even the first start worked: whoever asked for it is told, no second try. */
		if (!*supervised.was_ready)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
		if (fb_now() - started > FB_HEALTHY)
			supervised.tries = 0;
		if (supervised.tries >= FB_TRIES)
			return tell_given_up(status, run);
		if (pause_for((int)fb_tries_pause(supervised.tries ? supervised.tries : 1)))
			return 0;
	}
}

/* Whether a byte comes before its end does, or before `seconds` have passed: 1, 0, -1. */
static int wait_for_byte(int fd, int seconds)
{
	uint64_t until = fb_clock(CLOCK_MONOTONIC) + (uint64_t)seconds * FB_SECOND, now;
	struct pollfd watched = {.fd = fd, .events = POLLIN};
	char byte;

	while ((now = fb_clock(CLOCK_MONOTONIC)) < until) {
		if (poll(&watched, 1, (int)((until - now) / 1000000) + 1) <= 0)
			continue;
		return read(fd, &byte, 1) == 1;
	}
	return -1;
}

/* Whoever waits for us holds the lock of the host. */
static int give_up(pid_t child, const char *run)
{
	struct fb_problem problem = {};

	kill(-child, SIGKILL); /* its session, and what it was about to start there */
	fb_hint(&problem, "something that it opens does not answer, or the host is too busy");
	fb_fail(&problem, "start", ETIMEDOUT, "it was not ready after %d s", START);
	fb_state_failed(run, &problem);
	fb_problem_print(&problem, "start");
	fb_problem_free(&problem);
	return 1;
}

int fb_supervise(int (*work)(void *context, struct fb_supervised *supervised), void *context,
		 const char *run)
{
	int ends[2], status, ready;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC))
		return 1;
	child = fork();
	if (child < 0)
		return 1;
	if (!child) {
		setsid();
		close_others(ends[1]);
		to_null(STDIN_FILENO);
		to_null(STDOUT_FILENO);
		_exit(supervise(work, context, run, ends[1]));
	}
	close(ends[1]);
	ready = wait_for_byte(ends[0], START);
	close(ends[0]);
	if (ready)
		return ready > 0 ? 0 : give_up(child, run);
	return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
