/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of records, the same list as in model/record.py. */
#ifndef FB_RECORD_H
#define FB_RECORD_H

#include <inttypes.h>

/* Output of a program: a line of it stands for one. */
#define FB_KIND_TRACE "trace"
#define FB_KIND_EVENT "event"
#define FB_KIND_ITER "iter"
#define FB_KIND_MAP "map"

/* Output that nobody will see: a line of it stands for as many as its `count`. */
#define FB_KIND_LOST "lost"

/* What a loader tells of itself: a line of it stands for none. */
#define FB_KIND_START "start"
#define FB_KIND_STOP "stop"
#define FB_KIND_HANDOFF "handoff"
#define FB_KIND_CLOCK "clock"
#define FB_KINDS_OF_LOADER FB_KIND_START, FB_KIND_STOP, FB_KIND_HANDOFF, FB_KIND_CLOCK

/* How a record begins: its time, as a number, and its kind. */
#define FB_RECORD_TIME "{\"time\":"
#define FB_RECORD_KIND ",\"kind\":\""
#define FB_RECORD(kind) FB_RECORD_TIME "%" PRIu64 FB_RECORD_KIND kind "\""

#endif
