/* SPDX-License-Identifier: Apache-2.0 */
/* A perf event array, read: a buffer for each CPU, older and dearer than a ring buffer. */
#ifndef FB_PERF_RING_H
#define FB_PERF_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FB_PERF_SIZE ((size_t)64 * 4096) /* of each CPU's buffer */

struct perf_buffer;

struct fb_perf_ring {
	struct perf_buffer *buffer;
	void (*take)(void *context, const unsigned char *bytes, size_t size);
	void *context;
	size_t used;   /* bytes, in this round */
	uint64_t lost; /* as records between samples tell */
	bool counts;   /* kernel >= 6.0: a descriptor tells all that was lost, the last too */
};

/* Open a buffer on every CPU for the perf event array `fd`; 0 or a negative errno. */
int fb_perf_open(struct fb_perf_ring *ring, int fd,
		 void (*take)(void *context, const unsigned char *bytes, size_t size),
		 void *context);

/* Readable while there is something. */
int fb_perf_descriptor(const struct fb_perf_ring *ring);

/* Take what is there; returns its bytes. Up to 7 bytes of padding follow a sample's own. */
size_t fb_perf_take(struct fb_perf_ring *ring);

/* Samples that found no room so far. */
uint64_t fb_perf_lost(const struct fb_perf_ring *ring);
void fb_perf_close(struct fb_perf_ring *ring);

#endif
