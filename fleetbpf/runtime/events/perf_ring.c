// SPDX-License-Identifier: Apache-2.0
#include "events/perf_ring.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>
#include <unistd.h>

/* include/uapi/linux/perf_event.h has it since 6.0; older headers build it all the same. */
#define FORMAT_LOST (1U << 4)

struct sample {
	struct perf_event_header header;
	uint32_t size;
	unsigned char bytes[];
};

struct lost {
	struct perf_event_header header;
	uint64_t id;
	uint64_t lost;
};

static enum bpf_perf_event_ret take_record(void *context, int cpu, struct perf_event_header *header)
{
	struct fb_perf_ring *ring = context;

	(void)cpu;
	ring->used += header->size;
	if (header->type == PERF_RECORD_SAMPLE) {
		const struct sample *sample = (const struct sample *)header;

		ring->take(ring->context, sample->bytes, sample->size);
	} else if (header->type == PERF_RECORD_LOST) {
		ring->lost += ((const struct lost *)header)->lost;
	}
	return LIBBPF_PERF_EVENT_CONT;
}

int fb_perf_open(struct fb_perf_ring *ring, int fd,
		 void (*take)(void *context, const unsigned char *bytes, size_t size),
		 void *context)
{
	struct perf_event_attr attributes = {
		.size = sizeof(attributes),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_BPF_OUTPUT,
		.sample_type = PERF_SAMPLE_RAW,
		.sample_period = 1,
		.wakeup_events = 1,
		.read_format = FORMAT_LOST,
	};

	const size_t pages = FB_PERF_SIZE / (size_t)sysconf(_SC_PAGESIZE);

	ring->take = take;
	ring->context = context;
	ring->counts = true;
	ring->buffer = perf_buffer__new_raw(fd, pages, &attributes, take_record, ring, NULL);
	if (!ring->buffer && errno == EINVAL) {
		attributes.read_format = 0;
		ring->counts = false;
		ring->buffer =
			perf_buffer__new_raw(fd, pages, &attributes, take_record, ring, NULL);
	}
	return ring->buffer ? 0 : -errno;
}

int fb_perf_descriptor(const struct fb_perf_ring *ring)
{
	return perf_buffer__epoll_fd(ring->buffer);
}

size_t fb_perf_take(struct fb_perf_ring *ring)
{
	ring->used = 0;
	perf_buffer__consume(ring->buffer);
	return ring->used;
}

uint64_t fb_perf_lost(const struct fb_perf_ring *ring)
{
	uint64_t total = 0, value[2]; /* the counter's own, and what was lost */

	if (!ring->counts)
		return ring->lost;
	for (size_t i = 0; i < perf_buffer__buffer_cnt(ring->buffer); i++)
		if (read(perf_buffer__buffer_fd(ring->buffer, i), value, sizeof(value)) ==
		    (ssize_t)sizeof(value))
			total += value[1];
	return total;
}

void fb_perf_close(struct fb_perf_ring *ring)
{
	perf_buffer__free(ring->buffer);
	ring->buffer = NULL;
}
