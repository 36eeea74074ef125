/* SPDX-License-Identifier: Apache-2.0 */
/* Iterators: functions that the kernel calls for each thing of a type, and that write text. */
#ifndef FB_ITER_H
#define FB_ITER_H

#include "attach/attach.h"
#include "spool/sink.h"

int fb_iter_attach(struct fb_attachment *attachment);
const char *fb_iter_reason(int error);

bool fb_is_iter(const struct fb_attachment *attachment);

/* Read the iterators that are due at `now`; each line of theirs is a record. */
void fb_iters_run(struct fb_attachments *attachments, uint64_t now, struct fb_sink *sink);

/* When the next one is due; UINT64_MAX when there is none. */
uint64_t fb_iters_due(const struct fb_attachments *attachments);

#endif
