// SPDX-License-Identifier: Apache-2.0
/*
 * Threads that call setpriority(77777, number, thread), each with numbers from 0 on, until stdin
 * ends. It changes nothing, and hardly anybody else makes this call.
 * usage: numbers THREADS PAUSE
 * PAUSE is between two calls, in ns; 0: as fast as can be. It leaves the processor to others only
 * from 1 ms on.
 * It says how many each has made, one a line.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MOST 64

static atomic_bool over;
static long pause_ns;
static unsigned long made[MOST];

static long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000 + time.tv_nsec;
}

static void *fire(void *context)
{
	unsigned long *mine = context;

	while (!atomic_load_explicit(&over, memory_order_relaxed)) {
		long until = now() + pause_ns;

		syscall(SYS_setpriority, 77777, (*mine)++, mine - made);
		if (pause_ns >= 1000000)
			nanosleep(&(struct timespec){.tv_nsec = pause_ns}, NULL);
		while (pause_ns && now() < until)
			;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[MOST];
	int count = argc == 3 ? atoi(argv[1]) : 0;

	if (count < 1 || count > MOST)
		return 2;
	pause_ns = atol(argv[2]);
	for (int i = 0; i < count; i++)
		pthread_create(&threads[i], NULL, fire, &made[i]);
	while (getchar() != EOF)
		;
	over = true;
	for (int i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < count; i++)
		printf("%lu\n", made[i]);
	return 0;
}
