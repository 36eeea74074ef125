/* SPDX-License-Identifier: Apache-2.0 */
/* What a hook needs of libbpf and of this kernel, whatever its kind. */
#ifndef FB_KERNEL_HOOKS_H
#define FB_KERNEL_HOOKS_H

#include "attach/attach.h"

/* Whether one function, loaded once, can go to hooks of both kinds. */
bool fb_hooks_share(const struct fb_hook_kind *one, const struct fb_hook_kind *other);

/* Whether a function that was compiled for one kind of section can go to a hook of that kind. */
bool fb_hook_fits(const struct fb_hook_kind *section, const struct fb_hook_kind *kind);

/* Before the load: set the function's type; refuse a hook that this kernel is known to lack. */
int fb_hook_prepare(struct fb_attachment *attachment, struct fb_problem *problem);

/* After the load. */
int fb_hook_attach(struct fb_attachment *attachment, struct fb_problem *problem);

#endif
