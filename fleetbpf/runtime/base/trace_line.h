/* SPDX-License-Identifier: Apache-2.0 */
/* One line of trace_pipe, in the shapes of kernels 5.10 to 7.3. */
#ifndef FB_TRACE_LINE_H
#define FB_TRACE_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FB_COMM_COLUMN 16 /* its width: a comm has 15 bytes at most, and stands to the right */

enum fb_line_kind {
	FB_LINE_OTHER,	/* no prefix: goes on the message before it */
	FB_LINE_RECORD, /* a printed message, or its first line */
	FB_LINE_LOST,	/* CPU:n [LOST m EVENTS] */
};

/* What a line says; the pointers go into the line itself. */
struct fb_line {
	enum fb_line_kind kind;
	unsigned int cpu;
	int pid;
	const char *comm;
	size_t comm_length;
	size_t comm_lacking; /* bytes of its column that are in the lines before */
	uint64_t time;	     /* ns since boot, as the instance's clock is `boot` */
	const char *text;
	size_t text_length;
	uint64_t lost; /* 0: the kernel does not know how many */
};

/* `line` has no newline at its end. */
struct fb_line fb_line_parse(const char *line, size_t length);

#endif
