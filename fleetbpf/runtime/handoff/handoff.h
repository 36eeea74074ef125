/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From one release to the next, while both are attached. The old one speaks until a moment that
 * the new one finds; what the new one saw before it, a record marks as told by the old one. No
 * event is missed, and where that moment is a quiet one, none is told by both.
 */
#ifndef FB_HANDOFF_H
#define FB_HANDOFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "attach/attach.h"
#include "events/rings.h"
#include "handoff/quiet.h"
#include "trace/trace.h"

#define FB_RELEASE 65 /* a label of the command line, and its end */

/* What the one that goes says of itself; descriptors of its ring buffers come with it. */
struct fb_handoff_call {
	uint32_t version;
	uint32_t watch; /* enum fb_watch */
	uint64_t since; /* from when on it speaks, ns since boot */
	char release[FB_RELEASE];
};

enum fb_handoff_word {
	FB_HANDOFF_HOLD,  /* to the one that goes: write, then read no more until the next word */
	FB_HANDOFF_HELD,  /* and its answer */
	FB_HANDOFF_GO_ON, /* there was no quiet moment: read on */
	FB_HANDOFF_CUT,	  /* from `time` and `positions` on the new one speaks */
	FB_HANDOFF_TOLD,  /* and its answer: all before that is written */
};

struct fb_handoff_message {
	uint32_t word;
	uint32_t
		exact; /* a cut; otherwise the one that goes tells all that it sees until its end */
	uint64_t time;
	uint64_t positions[FB_RINGS]; /* of its ring buffers */
};

/* The release that `current` names, if that is not ours. */
bool fb_other_current(const struct fb_options *options, char release[FB_RELEASE]);

/* The release beside which this one was started, and who asks it to take over. */
struct fb_handoff {
	const struct fb_options *options;
	const struct fb_attachments *attachments;
	struct fb_rings *rings;
	struct fb_trace *trace;
	struct fb_sink *sink;
	char beside[FB_RELEASE]; /* or "" */
	uint64_t since;		 /* from when on we speak */
	enum fb_watch watch;
	int door;	/* where the one that goes knocks; -1: nowhere */
	int peer;	/* -1: nobody is there */
	uint64_t began; /* with it */
	struct fb_handoff_call call;
	struct fb_quiet quiet; /* our rings, then those of the one that goes */
	size_t ours;
};

/* Everything is attached: be ready to take over. */
void fb_handoff_open(struct fb_handoff *handoff);

/* After each round of reading, `knocked`: somebody is at the door. True: come back at once. */
bool fb_handoff_take(struct fb_handoff *handoff, bool knocked);

/*
 * When we are told to stop: if a release is to follow us, and it is for us to speak, have it take
 * over; `go_on` reads and writes what has come meanwhile. Then all is set for the last reading.
 */
void fb_handoff_give(struct fb_handoff *handoff, void (*go_on)(void *context), void *context);

void fb_handoff_close(struct fb_handoff *handoff);

#endif
