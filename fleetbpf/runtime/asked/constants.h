/* SPDX-License-Identifier: Apache-2.0 */
/* --set: give a program's constants their values before the load. */
#ifndef FB_CONSTANTS_H
#define FB_CONSTANTS_H

#include <bpf/libbpf.h>

#include "asked/options.h"
#include "asked/place.h"
#include "asked/program.h"

/* Put the value into the place of a variable whose bytes these are; a char array is filled up. */
int fb_constant_put(const struct fb_place *place, const char *value, unsigned char *bytes,
		    struct fb_problem *problem);

int fb_constants_set(struct bpf_object *object, const struct fb_program *program,
		     const struct fb_pairs *values, struct fb_problem *problem);

#endif
