/* SPDX-License-Identifier: Apache-2.0 */
/* --set: give a program's constants their values before the load. */
#ifndef FB_CONSTANTS_H
#define FB_CONSTANTS_H

#include <bpf/libbpf.h>

#include "options.h"
#include "program.h"

/* The bytes of `value` as the constant holds them, into `bytes` (constant->size of them). */
int fb_constant_parse(const struct fb_constant *constant, const char *value, void *bytes,
		      struct fb_problem *problem);

int fb_constants_set(struct bpf_object *object, const struct fb_program *program,
		     const struct fb_pairs *values, struct fb_problem *problem);

#endif
