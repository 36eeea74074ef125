/* SPDX-License-Identifier: Apache-2.0 */
/* Ring and perf buffers read into events, and the count of those that found no room. */
#ifndef FB_RINGS_H
#define FB_RINGS_H

#include <bpf/libbpf.h>

#include "asked/options.h"
#include "asked/program.h"
#include "events/perf_ring.h"
#include "events/ring_view.h"
#include "spool/sink.h"

/* One ring that is read. */
struct fb_ring_reader {
	const struct fb_ring *ring;
	const struct fb_event *event; /* NULL: one of the ring's cases */
	struct bpf_map *map;
	struct fb_ring_view view;
	struct fb_perf_ring perf; /* in its place where the ring is one */
	uint64_t perf_lost;	  /* of it, and told */
	struct fb_sink *sink;
	uint64_t *position; /* in the sink's account of what is told */
	uint64_t time;	    /* of this round */
	uint64_t skip;	    /* records that are told already */
};

struct fb_rings {
	struct fb_ring_reader items[FB_RINGS];
	size_t count;
	struct bpf_map *counter; /* where fleetbpf_reserve counts; NULL: it does not */
	uint64_t reported;	 /* of those */
	uint64_t looked_at;	 /* ns since boot */
};

/* Before the load: the rings with a struct of their own, and those that --event names. */
int fb_rings_plan(struct fb_rings *rings, const struct bpf_object *object,
		  const struct fb_program *program, const struct fb_pairs *wanted,
		  struct fb_problem *problem);

/* After the load, before the attachment. */
int fb_rings_open(struct fb_rings *rings, struct fb_sink *sink, struct fb_problem *problem);

/* A descriptor that is readable while the ring holds something. */
int fb_ring_descriptor(const struct fb_ring_reader *reader);

/*
 * Take what is there, at most about `most` bytes of each ring; *busy tells that a ring fills so
 * fast that the next round must not wait. Returns the bytes taken.
 */
size_t fb_rings_read(struct fb_rings *rings, size_t most, bool *busy);

/* After the flush that follows: give the space of what was taken back. */
void fb_rings_release(struct fb_rings *rings);

/*
 * Read no further than to these positions, one for each ring buffer that is none of perf's; NULL:
 * as far as there is something.
 */
void fb_rings_bound(struct fb_rings *rings, const uint64_t *positions);

/* The same, and read and write all that is before, its losses too. */
void fb_rings_read_to(struct fb_rings *rings, const uint64_t *positions, struct fb_sink *sink);

/* After the detachment: everything that was submitted, and the last losses. */
void fb_rings_drain(struct fb_rings *rings, struct fb_sink *sink);

/* Records of a ring to its sink: what fb_ring_take calls, with the reader as the context. */
void fb_ring_reader_take(void *context, const unsigned char *bytes, size_t size);

/* Tell losses, once a second at most. */
void fb_rings_account(struct fb_rings *rings, struct fb_sink *sink);
void fb_rings_free(struct fb_rings *rings);

#endif
