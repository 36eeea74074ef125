// SPDX-License-Identifier: Apache-2.0
#include "handoff/quiet.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>

#include "base/clock.h"

#define LONGEST UINT64_C(2000000) /* ns that threads wait for one another */
#define SHORTEST_GAP 1000	  /* ns: an interrupt that runs a function takes longer */
#define PACES 8			  /* as many readings of the clock are no interrupt either */
#define STACK (64 * 1024)

struct attempt {
	struct fb_quiet *quiet;
	uint64_t gap; /* ns between two looks at the clock that mean: something else ran */
	uint64_t began;
	unsigned int wanted;
	atomic_uint arrived;
	atomic_ullong looked; /* when the one who looks began to; 0: not yet */
	atomic_bool over;
	atomic_bool spoiled;
};

static void read_positions(struct fb_quiet *quiet)
{
	for (size_t i = 0; i < quiet->count; i++)
		quiet->positions[i] = __atomic_load_n(quiet->producers[i], __ATOMIC_ACQUIRE);
}

void fb_quiet_look(struct fb_quiet *quiet)
{
	read_positions(quiet);
	quiet->time = fb_now();
}

/* Spin until `end`; false when something else ran meanwhile. */
static bool spin(uint64_t *last, uint64_t end, uint64_t gap)
{
	bool alone = true;

	while (*last < end) {
		uint64_t now = fb_clock(CLOCK_MONOTONIC);

		alone = alone && now - *last <= gap;
		*last = now;
	}
	return alone;
}

/*
 * All are there: look twice, with more time between than an interrupt may take unnoticed. The
 * moment is in the middle, as the kernel's stamps on lines may be some ns beside this clock.
 */
static void look(struct attempt *attempt, uint64_t last)
{
	struct fb_quiet *quiet = attempt->quiet, before = *quiet;
	bool alone;

	atomic_store(&attempt->looked, last);
	read_positions(&before);
	alone = spin(&last, last + attempt->gap, attempt->gap);
	quiet->time = fb_now();
	alone = spin(&last, last + attempt->gap, attempt->gap) && alone;
	read_positions(quiet);
	if (!alone || memcmp(quiet->positions, before.positions,
			     quiet->count * sizeof(*quiet->positions)) != 0)
		atomic_store(&attempt->spoiled, true);
	atomic_store(&attempt->over, true);
}

static void wait_for_others(struct attempt *attempt, uint64_t last)
{
	uint64_t interrupted = 0;
	bool over;

	do {
		uint64_t now;

		over = atomic_load(&attempt->over);
		now = fb_clock(CLOCK_MONOTONIC);
		if (now - last > attempt->gap)
			interrupted = now;
		if (now - attempt->began > LONGEST && !atomic_load(&attempt->looked)) {
			atomic_store(&attempt->spoiled, true);
			over = true;
		}
		last = now;
	} while (!over);
	if (interrupted >= atomic_load(&attempt->looked))
		atomic_store(&attempt->spoiled, true);
}

static void *hold(void *context)
{
	struct attempt *attempt = context;
	uint64_t now = fb_clock(CLOCK_MONOTONIC);

	if (atomic_fetch_add(&attempt->arrived, 1) + 1 == attempt->wanted)
		look(attempt, now);
	else
		wait_for_others(attempt, now);
	return NULL;
}

/* How fast the clock can be read here: in a virtual machine it may take a microsecond. */
static uint64_t longest_gap(void)
{
	uint64_t fastest = UINT64_MAX, last = fb_clock(CLOCK_MONOTONIC);

	for (int i = 0; i < 64; i++) {
		uint64_t now = fb_clock(CLOCK_MONOTONIC);

		fastest = now - last < fastest ? now - last : fastest;
		last = now;
	}
	return fastest * PACES > SHORTEST_GAP ? fastest * PACES : SHORTEST_GAP;
}

static int start_on(pthread_t *thread, size_t cpu, cpu_set_t *only, size_t size,
		    struct attempt *attempt)
{
	pthread_attr_t attributes;
	int error = pthread_attr_init(&attributes);

	if (error)
		return error;
	CPU_ZERO_S(size, only);
	CPU_SET_S(cpu, size, only);
	error = pthread_attr_setstacksize(&attributes, STACK);
	if (!error)
		error = pthread_attr_setaffinity_np(&attributes, size, only);
	if (!error)
		error = pthread_create(thread, &attributes, hold, attempt);
	pthread_attr_destroy(&attributes);
	return error;
}

/* `all`: the processors that we may use; `only`: room for a set of one. */
static int hold_all(struct attempt *attempt, const cpu_set_t *all, cpu_set_t *only, size_t size)
{
	pthread_t *threads = calloc(attempt->wanted, sizeof(*threads));
	unsigned int started = 0;
	int error = threads ? 0 : ENOMEM;

	attempt->began = fb_clock(CLOCK_MONOTONIC);
	for (size_t cpu = 0; !error && started < attempt->wanted; cpu++) {
		if (!CPU_ISSET_S(cpu, size, all))
			continue;
		error = start_on(&threads[started], cpu, only, size, attempt);
		started += !error;
	}
	/* Those that were started go when they have waited long enough. */
	for (unsigned int i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	free(threads);
	if (error)
		return -error;
	return atomic_load(&attempt->spoiled) ? -EAGAIN : 0;
}

int fb_quiet_find(struct fb_quiet *quiet)
{
	struct attempt attempt = {.quiet = quiet, .gap = longest_gap()};
	int cpus = get_nprocs_conf();
	cpu_set_t *all = CPU_ALLOC(cpus), *only = CPU_ALLOC(cpus);
	size_t size = CPU_ALLOC_SIZE(cpus);
	int error = -ENOMEM;

	attempt.wanted = (unsigned int)get_nprocs();
	if (all && only)
		error = sched_getaffinity(0, size, all) ? -errno : 0;
	if (!error && (unsigned int)CPU_COUNT_S(size, all) != attempt.wanted)
		error = -EPERM;
	if (!error)
		error = hold_all(&attempt, all, only, size);
	CPU_FREE(all);
	CPU_FREE(only);
	return error;
}
