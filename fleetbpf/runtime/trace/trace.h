/* SPDX-License-Identifier: Apache-2.0 */
/* The instance's trace_pipe, read into records: messages of one or more lines, and losses. */
#ifndef FB_TRACE_H
#define FB_TRACE_H

#include <sys/types.h>

#include "spool/sink.h"
#include "trace/tracefs.h"

#define FB_COMM 64

struct fb_trace {
	const struct fb_instance *instance;
	struct fb_sink *sink;
	const char *label; /* what our lines begin with, "" when none has a label */
	bool unlabelled;   /* lines without a label are taken too */
	struct fb_text partial;
	struct fb_text message; /* the message that may go on in the next line */
	struct fb_line head;	/* its first line */
	char comm[FB_COMM];
	char before[FB_COMM_COLUMN]; /* the last bytes before this line, newlines as well */
	size_t before_count;
	bool open;	    /* there is such a message */
	bool elsewhere;	    /* there is one that is not for us */
	bool odd;	    /* a line came that is of no message: some may not be understood */
	uint64_t looked_at; /* when that was looked into last */
	uint64_t known;	    /* messages that are accounted for, of those that the kernel gave */
	bool shared;
	uint64_t until;		/* messages from then on are not for us; 0: all are */
	uint64_t last_time;	/* of the last message */
	uint64_t *lost_by_cpu;	/* reported so far */
	unsigned int cpu_count; /* its length */
};

/* Take some bytes of trace_pipe; they may begin and end anywhere in a line. */
void fb_trace_feed(struct fb_trace *trace, const char *bytes, size_t size);

/* The pipe is empty for now: the message is whole, and what was not understood is counted. */
void fb_trace_settle(struct fb_trace *trace);

/* Report messages that came as nothing we know, now that the pipe is empty. */
void fb_trace_account_odd(struct fb_trace *trace);

/*
 * Read until the pipe is empty or `most` bytes came; returns their number, or a negative errno.
 */
ssize_t fb_trace_read(struct fb_trace *trace, size_t most);

/* Report losses that no line in the pipe has told; after the last read. */
void fb_trace_account(struct fb_trace *trace, unsigned int cpu_count);
void fb_trace_free(struct fb_trace *trace);

#endif
