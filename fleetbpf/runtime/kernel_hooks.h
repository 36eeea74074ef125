/* SPDX-License-Identifier: Apache-2.0 */
/* What each kind of hook needs of libbpf and of this kernel. */
#ifndef FB_KERNEL_HOOKS_H
#define FB_KERNEL_HOOKS_H

#include <linux/bpf.h>

#include "attach.h"

/* Whether one function, loaded once, can go to hooks of both kinds. */
bool fb_hooks_share(enum fb_hook_kind one, enum fb_hook_kind other);

/* Before the load: set the function's type; refuse a hook that this kernel is known to lack. */
int fb_hook_prepare(struct fb_attachment *attachment, struct fb_problem *problem);

/* After the load. */
int fb_hook_attach(struct fb_attachment *attachment, struct fb_problem *problem);

#endif
