/* SPDX-License-Identifier: Apache-2.0 */
/* Hooks of a control group (version 2), for all processes in it and below. */
#ifndef FB_CGROUP_HOOKS_H
#define FB_CGROUP_HOOKS_H

#include "attach/attach.h"

int fb_cgroup_prepare(const struct fb_attachment *attachment, struct fb_problem *problem);

/* The same for a function that is typed by the hook of a security module. */
int fb_cgroup_lsm_prepare(const struct fb_attachment *attachment, struct fb_problem *problem);
int fb_cgroup_attach(struct fb_attachment *attachment);
const char *fb_cgroup_reason(int error);

#endif
