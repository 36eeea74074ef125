/* SPDX-License-Identifier: Apache-2.0 */
/* A place inside a variable, found by its BTF: a field of a struct, an element of an array. */
#ifndef FB_PLACE_H
#define FB_PLACE_H

#include <bpf/btf.h>
#include <stddef.h>
#include <stdint.h>

#include "base/problem.h"

struct fb_place {
	const struct btf *btf;
	uint32_t type;	   /* as declared: typedefs and qualifiers are still before it */
	uint64_t bit;	   /* from the variable's start */
	unsigned int bits; /* of a bit field; 0: it is none */
};

/* The type behind typedefs and qualifiers. */
const struct btf_type *fb_place_type(const struct fb_place *place);

/* Follow `way`, like ".limits[2].low", from where `place` is; "" stays there. */
int fb_place_follow(struct fb_place *place, const char *way, struct fb_problem *problem);

/* The type as its author wrote it, for people: `__u32`, `enum colour`, `char[16]`. */
void fb_place_type_name(const struct fb_place *place, struct fb_text *out);

/* Whether it is an array of plain `char`; *count gets its length. */
bool fb_place_is_text(const struct fb_place *place, size_t *count);

#endif
