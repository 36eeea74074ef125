/* SPDX-License-Identifier: Apache-2.0 */
/* One value out of JSON that the encoders have written. */
#ifndef FB_PICK_H
#define FB_PICK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

/* Bytes of the text it was found in; length 0: nothing was found. */
struct fb_piece {
	const char *bytes;
	size_t length;
};

/*
 * What `way` (".field[2].inner"; "" for all of it) leads to in JSON of `length` bytes. Whatever
 * the bytes are, nothing outside of them is read.
 */
struct fb_piece fb_pick(const char *json, size_t length, const char *way);

/* The same in an entry of a map: "key.field", "value[2]", "key". */
struct fb_piece fb_pick_from_entry(const struct fb_text *key, const struct fb_text *value,
				   const char *way);

/* The piece as an integer; false when it is none. */
bool fb_piece_integer(struct fb_piece piece, long long *number);

#endif
