// SPDX-License-Identifier: Apache-2.0
/*
 * events_by_hand OBJECT PID: what one writes by hand with libbpf to print the events of
 * bench/events.bpf.c as the JSON that our loader writes. Prints to stdout until SIGTERM.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct event {
	uint64_t number;
	uint32_t pid;
	uint32_t uid;
	char comm[16];
	uint64_t at;
	int64_t result;
};

static volatile sig_atomic_t ended;

static void end(int signal)
{
	(void)signal;
	ended = true;
}

static int print(void *context, void *bytes, size_t size)
{
	const struct event *event = bytes;
	struct timespec now;

	(void)context;
	(void)size;
	clock_gettime(CLOCK_BOOTTIME, &now);
	printf("{\"time\":%llu,\"kind\":\"event\",\"ring\":\"events\",\"data\":{\"number\":%llu,"
	       "\"pid\":%u,\"uid\":%u,\"comm\":\"%s\",\"at\":%llu,\"result\":%lld}}\n",
	       (unsigned long long)now.tv_sec * 1000000000 + (unsigned long long)now.tv_nsec,
	       (unsigned long long)event->number, event->pid, event->uid, event->comm,
	       (unsigned long long)event->at, (long long)event->result);
	return 0;
}

int main(int argc, char **argv)
{
	struct bpf_object *object = argc == 3 ? bpf_object__open_file(argv[1], NULL) : NULL;
	struct ring_buffer *ring;
	struct bpf_map *map;
	size_t size;

	if (!object)
		return 2;
	signal(SIGTERM, end);
	setvbuf(stdout, NULL, _IOFBF, 65536);
	map = bpf_object__find_map_by_name(object, "events");
	bpf_map__set_value_size(map, 0);
	*(uint32_t *)bpf_map__initial_value(bpf_object__find_map_by_name(object, ".rodata"),
					    &size) = (uint32_t)atol(argv[2]);
	if (bpf_object__load(object))
		return 1;
	if (!bpf_program__attach(bpf_object__find_program_by_name(object, "fired")))
		return 1;
	ring = ring_buffer__new(bpf_map__fd(map), print, NULL, NULL);
	if (!ring)
		return 1;
	fprintf(stderr, "ready\n");
	while (!ended) {
		int error = ring_buffer__poll(ring, 100);

		if (error < 0 && error != -EINTR)
			return 1;
	}
	ring_buffer__consume(ring);
	fflush(stdout);
	return 0;
}
