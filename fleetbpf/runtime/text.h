/* SPDX-License-Identifier: Apache-2.0 */
/* A growing piece of text, and JSON strings in it. */
#ifndef FB_TEXT_H
#define FB_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct fb_text {
	char *bytes; /* NUL-terminated whenever it is not NULL */
	size_t used;
	size_t size;
	bool failed; /* memory ran out: the text is short of something */
};

void fb_text_add(struct fb_text *text, const void *bytes, size_t count);
void fb_text_puts(struct fb_text *text, const char *string);
__attribute__((format(printf, 2, 3))) void fb_text_printf(struct fb_text *text, const char *format,
							  ...);
void fb_text_vprintf(struct fb_text *text, const char *format, va_list arguments);

/*
 * A JSON string of `count` bytes. UTF-8 stays as it is; control characters, and each byte that is
 * not part of valid UTF-8, become \u00XX.
 */
void fb_text_quote(struct fb_text *text, const char *bytes, size_t count);
void fb_text_quote_string(struct fb_text *text, const char *string);

/* Back to `used` bytes; false when something was lost on the way there. */
bool fb_text_cut(struct fb_text *text, size_t used);
void fb_text_free(struct fb_text *text);

#endif
