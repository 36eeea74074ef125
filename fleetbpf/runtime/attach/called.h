/* SPDX-License-Identifier: Apache-2.0 */
/* Functions that are loaded and attached nowhere: tail calls go there. */
#ifndef FB_CALLED_H
#define FB_CALLED_H

#include "attach/attach.h"

/*
 * Before the load, with all attachments planned: have libbpf load what a map of programs holds and
 * what --load names, each as what calls it is loaded; the kernel lets no other be called.
 */
int fb_called_plan(const struct fb_attachments *attachments, struct bpf_object *object,
		   const struct fb_program *program, const struct fb_requests *requests,
		   struct fb_problem *problem);

#endif
