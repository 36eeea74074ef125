/* SPDX-License-Identifier: Apache-2.0 */
/* A ring buffer of the kernel's, mapped and read; libbpf's reader maps, and counts, its data twice.
 */
#ifndef FB_RING_VIEW_H
#define FB_RING_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

struct fb_ring_view {
	unsigned long *consumer; /* what we gave back; ever growing, as the others */
	const unsigned long *producer;
	unsigned long position; /* how far we have read: where the record begins that is taken */
	const unsigned char *data;
	size_t size;  /* a power of two */
	bool bounded; /* records from `bound` on are not for us */
	unsigned long bound;
	struct fb_text straddler; /* a record that goes on at the ring's start, in one piece */
};

/* Map the ring buffer `fd` of `size` bytes; 0 or a negative errno. */
int fb_ring_map(struct fb_ring_view *view, int fd, size_t size);
void fb_ring_unmap(struct fb_ring_view *view);

/*
 * Take the records that are there, in their order, up to one that is being written or about `most`
 * bytes. Returns the bytes that they used in the ring, which stay in it until fb_ring_release. NULL
 * bytes: there was no memory for one that straddles the ring's end.
 */
size_t fb_ring_take(struct fb_ring_view *view, size_t most,
		    void (*take)(void *context, const unsigned char *bytes, size_t size),
		    void *context);

/* Give the space of what was taken back to the program. */
void fb_ring_release(struct fb_ring_view *view);

#endif
