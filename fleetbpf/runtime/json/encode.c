// SPDX-License-Identifier: Apache-2.0
#include "json/encode.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "map values are read as little-endian"
#endif

uint64_t fb_load(const unsigned char *at, size_t size)
{
	uint64_t value = 0;

	memcpy(&value, at, size < sizeof(value) ? size : sizeof(value));
	return value;
}

static void number(struct fb_text *out, uint64_t value, unsigned int bits, bool is_signed)
{
	if (is_signed && value >> (bits - 1) & 1) {
		if (bits < 64)
			value |= ~UINT64_C(0) << bits;
		value = 0 - value;
		FB_LITERAL(out, "-");
	}
	fb_text_decimal(out, value);
}

/* 2**64 - 1 and less as a number; __int128 as hex, for JSON readers keep no such number. */
void fb_encode_integer(struct fb_text *out, const unsigned char *at, size_t size, bool is_signed)
{
	if (size > sizeof(uint64_t))
		fb_encode_bytes(out, at, size);
	else
		number(out, fb_load(at, size), (unsigned int)size * 8, is_signed);
}

void fb_encode_bits(struct fb_text *out, const unsigned char *at, unsigned int shift,
		    unsigned int bits, bool is_signed)
{
	uint64_t value = 0;

	if (!bits || bits > 64) {
		fb_text_puts(out, "null");
		return;
	}
	for (unsigned int i = 0; i < bits; i++) {
		unsigned int bit = shift + i;

		value |= (uint64_t)(at[bit / 8] >> bit % 8 & 1) << i;
	}
	number(out, value, bits, is_signed);
}

void fb_encode_boolean(struct fb_text *out, const unsigned char *at)
{
	fb_text_puts(out, *at ? "true" : "false");
}

void fb_encode_floating(struct fb_text *out, const unsigned char *at, size_t size)
{
	double value;
	float narrow;

	if (size == sizeof(narrow)) {
		memcpy(&narrow, at, sizeof(narrow));
		value = narrow;
	} else if (size == sizeof(value)) {
		memcpy(&value, at, sizeof(value));
	} else {
		fb_encode_bytes(out, at, size);
		return;
	}
	if (isfinite(value))
		fb_text_printf(out, "%.*g", size == sizeof(narrow) ? 9 : 17, value);
	else
		fb_text_puts(out, "null");
}

void fb_encode_enum(struct fb_text *out, const unsigned char *at, size_t size, bool is_signed,
		    const struct fb_enumerator *names, size_t count)
{
	uint64_t value = fb_load(at, size);

	for (size_t i = 0; i < count; i++) {
		if (names[i].value == value) {
			fb_text_quote_string(out, names[i].name);
			return;
		}
	}
	number(out, value, (unsigned int)size * 8, is_signed);
}

void fb_encode_chars(struct fb_text *out, const unsigned char *at, size_t size)
{
	fb_text_quote(out, (const char *)at, strnlen((const char *)at, size));
}

void fb_encode_bytes(struct fb_text *out, const unsigned char *at, size_t size)
{
	fb_text_puts(out, "\"");
	for (size_t i = 0; i < size; i++)
		fb_text_printf(out, "%02x", at[i]);
	fb_text_puts(out, "\"");
}

void fb_encode_pointer(struct fb_text *out, const unsigned char *at)
{
	fb_text_printf(out, "\"0x%" PRIx64 "\"", fb_load(at, 8));
}

void fb_encode_member(struct fb_text *out, const char *name)
{
	if (out->used && out->bytes[out->used - 1] != '{')
		fb_text_puts(out, ",");
	fb_text_quote_string(out, name);
	fb_text_puts(out, ":");
}
