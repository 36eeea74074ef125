/* SPDX-License-Identifier: Apache-2.0 */
/* A function run at a frequency, or each so many events, on every CPU. */
#ifndef FB_PERF_EVENT_H
#define FB_PERF_EVENT_H

#include "attach/attach.h"

/* The names of all events, each after a space. */
void fb_perf_event_names(struct fb_text *out);

int fb_perf_event_prepare(const struct fb_attachment *attachment, struct fb_problem *problem);

/* A link for each CPU that is online. Returns 0 or a negative errno; detach what is there then. */
int fb_perf_event_attach(struct fb_attachment *attachment);

#endif
