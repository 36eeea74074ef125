/* SPDX-License-Identifier: Apache-2.0 */
/* Where records go: JSON into a spool, or readable lines to stdout. */
#ifndef FB_SINK_H
#define FB_SINK_H

#include "base/trace_line.h"
#include "spool/progress.h"
#include "spool/spool.h"

/* What is above is counted as lost. */
struct fb_limits {
	uint64_t rate;	    /* lines and events a second, a second's worth at once; 0: no limit */
	uint64_t record;    /* bytes of one in the spool; 0: no limit */
	uint64_t left;	    /* that may still come */
	uint64_t filled_at; /* ns since boot */
	uint64_t refused;   /* and not told yet */
	uint64_t since;	    /* the first of them */
};

struct fb_sink {
	struct fb_spool *spool;	      /* NULL: stdout */
	bool json;		      /* records to stdout as into a spool */
	struct fb_text batch;	      /* whole records that wait for the next flush */
	struct fb_counts pending;     /* what they stand for */
	size_t began;		      /* where in the batch its last record begins */
	struct fb_text head;	      /* what events of one ring begin with in one round */
	const char *head_ring;	      /* which is that, */
	const char *head_name;	      /* its struct, */
	uint64_t head_time;	      /* and when */
	struct fb_text record;	      /* a map's record while it is built */
	const char *map;	      /* its name */
	const char *about;	      /* and what else it says before its entries */
	size_t entries;		      /* in it so far */
	uint64_t printed;	      /* lines, events and read-outs taken */
	uint64_t lost;		      /* lines and events that the kernel's buffers lost */
	struct fb_told told;	      /* when the batch is written */
	bool refused;		      /* records since the last step were: it is not up to date */
	struct fb_progress *progress; /* NULL: nobody will ask */
	bool broken;		      /* nobody reads stdout any more */
	struct fb_limits limits;
};

/* Refill what the rate allows, and tell what was too much: once a second, or now. */
void fb_sink_limit(struct fb_sink *sink, uint64_t now, bool at_once);

/* attached, warnings: JSON. */
void fb_sink_start(struct fb_sink *sink, uint64_t time, const char *reason, bool clean,
		   const char *attached, const char *warnings);
void fb_sink_stop(struct fb_sink *sink, const char *reason);

/* One message; `shared`: it has no label, so another program may have printed it. */
void fb_sink_trace(struct fb_sink *sink, const struct fb_line *line, const char *text,
		   size_t length, bool shared);

/* What we saw before `time` the release `from` has told, which spoke since `since`. */
void fb_sink_handoff(struct fb_sink *sink, const char *from, uint64_t since, uint64_t time,
		     bool exact);

/* The wall's clock was set: times from here on are by this offset. */
void fb_sink_clock(struct fb_sink *sink, int64_t offset);

void fb_sink_lost(struct fb_sink *sink, enum fb_loss place, uint64_t count, uint64_t since);

/* Messages that came out of the trace buffer as something that we cannot read. */
void fb_sink_odd_messages(struct fb_sink *sink, uint64_t count, uint64_t since);

/* Messages that the trace buffer lost; events that found no room in a ring. */
void fb_sink_untraced(struct fb_sink *sink, uint64_t count, uint64_t since);
void fb_sink_missed(struct fb_sink *sink, uint64_t count, uint64_t since);

/*
 * A read-out: begin, then each entry, then end. `about`: further fields of the record, with a comma
 * before them, or "", and it stays until the end; `name` is what `value` is called, `more` has
 * further fields of the entry.
 */
void fb_sink_map_begin(struct fb_sink *sink, const char *map, const char *about);
void fb_sink_map_entry(struct fb_sink *sink, const struct fb_text *key, const char *name,
		       const struct fb_text *value, const struct fb_text *more);

/* error: a negative errno when entries are missing, which the record then says. */
void fb_sink_map_end(struct fb_sink *sink, int error);

/*
 * An event of a ring: begin, encode, then end; `name` is its struct's where there are several.
 * NULL where the rate does not allow one more: it is counted, and nothing is to be encoded.
 */
struct fb_text *fb_sink_event_begin(struct fb_sink *sink, const char *ring, const char *name,
				    uint64_t time);
void fb_sink_event_end(struct fb_sink *sink, const unsigned char *rest, size_t rest_size);

/* A record that is no event: its bytes, for people to find out why. */
void fb_sink_event_odd(struct fb_sink *sink, const char *ring, uint64_t time,
		       const unsigned char *bytes, size_t size);

/* A line that an iterator wrote. */
void fb_sink_iter(struct fb_sink *sink, const char *function, const char *text, size_t length);

/* Write what waits, with one write(2) where it fits. */
void fb_sink_flush(struct fb_sink *sink);
void fb_sink_free(struct fb_sink *sink);

#endif
