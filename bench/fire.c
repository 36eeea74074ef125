// SPDX-License-Identifier: Apache-2.0
/*
 * fire THREADS COUNT RATE: call getppid COUNT times, RATE times a second (0: as fast as it goes),
 * once a line comes on stdin. Prints the CPU nanoseconds that one call took.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SLICE_NS 500000L

static long count, rate;

static double now(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void *fire(void *spent)
{
	double start = now(CLOCK_MONOTONIC), calls = 0, before;

	for (long done = 0; done < count;) {
		/* So many should have been made by now. */
		double due = rate ? (now(CLOCK_MONOTONIC) - start) * (double)rate / 1e9 : 1e18;

		before = now(CLOCK_THREAD_CPUTIME_ID);
		for (long burst = 0; done < count && (double)done < due && burst < 10000; burst++) {
			syscall(SYS_getppid);
			done++;
		}
		calls += now(CLOCK_THREAD_CPUTIME_ID) - before;
		if (rate)
			nanosleep(&(struct timespec){.tv_nsec = SLICE_NS}, NULL);
	}
	*(double *)spent = calls;
	return NULL;
}

int main(int argc, char **argv)
{
	long threads = argc == 4 ? atol(argv[1]) : 0;
	double spent[64] = {}, total = 0;
	pthread_t running[64];

	if (threads < 1 || threads > 64)
		return 2;
	count = atol(argv[2]) / threads;
	rate = atol(argv[3]) / threads;
	getchar();
	for (long i = 0; i < threads; i++)
		pthread_create(&running[i], NULL, fire, &spent[i]);
	for (long i = 0; i < threads; i++) {
		pthread_join(running[i], NULL);
		total += spent[i];
	}
	printf("%.1f\n", total / (double)(count * threads));
	return 0;
}
