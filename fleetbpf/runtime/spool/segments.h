/* SPDX-License-Identifier: Apache-2.0 */
/* The segments that lie in a spool's folder. */
#ifndef FB_SEGMENTS_H
#define FB_SEGMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spool/counts.h"

#define FB_BOOT_ID 40

/* What the segment before this start tells about why we start. */
struct fb_previous {
	unsigned int number; /* 0: there is none */
	char boot_id[FB_BOOT_ID];
	bool stopped;		 /* it ends in a stop record */
	struct fb_counts counts; /* up to its end, by its header and its records */
};

enum fb_record_kind {
	FB_RECORD_OUTPUT, /* of the program */
	FB_RECORD_LOST,
	FB_RECORD_OF_FLEETBPF, /* header, start, stop, clock, handoff */
};

/* A segment that went because of the spool's limit, and the lines that went with it. */
struct fb_dropped {
	unsigned int number;
	uint64_t lines;
	uint64_t since; /* the time of its first record */
};

/* Folder and number to path: DIR/00000001.log; -ENAMETOOLONG where it does not fit. */
int fb_segment_path(const char *folder, unsigned int number, char *path, size_t size);

int fb_segments_previous(const char *folder, struct fb_previous *previous);

/*
 * Remove the oldest segment if all of them use more than `room` bytes; never `newest`.
 * Returns 1 when one was removed, 0 when there is room, a negative errno otherwise.
 */
int fb_segments_drop(const char *folder, uint64_t room, unsigned int newest,
		     struct fb_dropped *dropped);

/*
 * See each line of the segments from byte `offset` of segment `number` on. One that was torn by a
 * kill has no newline at its end; readers count it as lost by themselves.
 */
void fb_segments_walk(const char *folder, unsigned int number, uint64_t offset,
		      void (*see)(void *context, const char *line, size_t length), void *context);

enum fb_record_kind fb_record_kind(const char *line, size_t length);

/*
 * What follows `{"time":N,"kind":"` where a record begins with it: a word that is ours, whatever
 * a program's own fields are called and hold. NULL for other lines.
 */
const char *fb_record_rest(const char *line, size_t length);

/* The oldest segment, and how much was written before it: what was removed so far. */
int fb_segments_first(const char *folder, unsigned int *first, uint64_t *removed);

/* How many lines these records stand for: a loss record for as many as it counts. */
uint64_t fb_records_weigh(const char *bytes, size_t size);

#endif
