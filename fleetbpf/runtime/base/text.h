/* SPDX-License-Identifier: Apache-2.0 */
/* A growing piece of text, and JSON strings in it. */
#ifndef FB_TEXT_H
#define FB_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct fb_text {
	char *bytes; /* NUL-terminated whenever it is not NULL */
	size_t used;
	size_t size;
	bool failed; /* memory ran out: the text is short of something */
};

/* Make room for `more` bytes and a NUL; false when there is no memory. */
bool fb_text_reserve(struct fb_text *text, size_t more);

/* Here, so that a piece of a length that the compiler knows is a few stores. */
static inline void fb_text_add(struct fb_text *text, const void *bytes, size_t count)
{
	if (text->used + count >= text->size && !fb_text_reserve(text, count))
		return;
	if (count)
		memcpy(text->bytes + text->used, bytes, count);
	text->used += count;
	text->bytes[text->used] = '\0';
}

void fb_text_decimal(struct fb_text *text, uint64_t value);
void fb_text_puts(struct fb_text *text, const char *string);
__attribute__((format(printf, 2, 3))) void fb_text_printf(struct fb_text *text, const char *format,
							  ...);
void fb_text_vprintf(struct fb_text *text, const char *format, va_list arguments);

/*
 * A JSON string of `count` bytes. UTF-8 stays as it is; control characters, those of U+0080 to
 * U+009F too, and each byte that is not part of valid UTF-8, become \u00XX.
 */
void fb_text_quote(struct fb_text *text, const char *bytes, size_t count);

/* For a terminal: as it is, but nothing in it can end the line or command the terminal. */
void fb_text_show(struct fb_text *text, const char *bytes, size_t count);
void fb_text_quote_string(struct fb_text *text, const char *string);

/* Back to `used` bytes; false when something was lost on the way there. */
bool fb_text_cut(struct fb_text *text, size_t used);
void fb_text_free(struct fb_text *text);

#endif
