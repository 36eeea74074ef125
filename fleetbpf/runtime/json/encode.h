/* SPDX-License-Identifier: Apache-2.0 */
/* Values as they lie in a map, written as JSON; little-endian, like every host so far. */
#ifndef FB_ENCODE_H
#define FB_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

typedef void fb_encoder(struct fb_text *out, const unsigned char *at);

/* One name of an enum; the value has no more bits than the enum. */
struct fb_enumerator {
	uint64_t value;
	const char *name;
};

/* A piece of JSON that the generator knows. */
#define FB_LITERAL(out, text) fb_text_add(out, text, sizeof(text) - 1)

/* The integer of at most 8 bytes that lies there; of a larger one the first 8 bytes. */
uint64_t fb_load(const unsigned char *at, size_t size);
void fb_encode_integer(struct fb_text *out, const unsigned char *at, size_t size, bool is_signed);

/* A bit field of at most 64 bits that begins `shift` bits after `at`. */
void fb_encode_bits(struct fb_text *out, const unsigned char *at, unsigned int shift,
		    unsigned int bits, bool is_signed);
void fb_encode_boolean(struct fb_text *out, const unsigned char *at);

/* float or double; JSON has no NaN and no infinity: null. */
void fb_encode_floating(struct fb_text *out, const unsigned char *at, size_t size);

/* The name of the value, or the number where no name is known. */
void fb_encode_enum(struct fb_text *out, const unsigned char *at, size_t size, bool is_signed,
		    const struct fb_enumerator *names, size_t count);

/* A char array up to its first NUL. */
void fb_encode_chars(struct fb_text *out, const unsigned char *at, size_t size);

/* Bytes of which nothing is known: a string of hex digits. */
void fb_encode_bytes(struct fb_text *out, const unsigned char *at, size_t size);
void fb_encode_pointer(struct fb_text *out, const unsigned char *at);

/* "name": with a comma before it, unless it is the first of its object. */
void fb_encode_member(struct fb_text *out, const char *name);

#endif
