/* SPDX-License-Identifier: Apache-2.0 */
/* Hooks in the kernel's code and in that of processes. */
#ifndef FB_TRACING_HOOKS_H
#define FB_TRACING_HOOKS_H

#include "attach/attach.h"

int fb_tracepoint_prepare(const struct fb_attachment *attachment, struct fb_problem *problem);
int fb_typed_prepare(const struct fb_attachment *attachment, struct fb_problem *problem);
int fb_lsm_prepare(const struct fb_attachment *attachment, struct fb_problem *problem);
int fb_kprobe_prepare(const struct fb_attachment *attachment, struct fb_problem *problem);
int fb_uprobe_prepare(const struct fb_attachment *attachment, struct fb_problem *problem);

int fb_tracepoint_attach(struct fb_attachment *attachment);
int fb_raw_tp_attach(struct fb_attachment *attachment);
int fb_typed_attach(struct fb_attachment *attachment);
int fb_lsm_attach(struct fb_attachment *attachment);
int fb_kprobe_attach(struct fb_attachment *attachment);
int fb_kprobe_multi_attach(struct fb_attachment *attachment);
int fb_ksyscall_attach(struct fb_attachment *attachment);
int fb_uprobe_attach(struct fb_attachment *attachment);
int fb_usdt_attach(struct fb_attachment *attachment);

#endif
