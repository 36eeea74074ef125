// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool fb_text_reserve(struct fb_text *text, size_t more)
{
	size_t size = text->size ? text->size : 256;
	char *bytes;

	if (text->used + more < text->size)
		return true;
	while (size <= text->used + more)
		size *= 2;
	bytes = realloc(text->bytes, size);
	if (!bytes) {
		text->failed = true;
		return false;
	}
	text->bytes = bytes;
	text->size = size;
	return true;
}

void fb_text_decimal(struct fb_text *text, uint64_t value)
{
	char digits[20]; /* "18446744073709551615" */
	size_t first = sizeof(digits);

	/* printf takes four times as long, and most of an event's fields are numbers. */
	do
		digits[--first] = (char)('0' + value % 10);
	while (value /= 10);
	fb_text_add(text, digits + first, sizeof(digits) - first);
}

void fb_text_puts(struct fb_text *text, const char *string)
{
	fb_text_add(text, string, strlen(string));
}

void fb_text_vprintf(struct fb_text *text, const char *format, va_list arguments)
{
	size_t room = text->size - text->used;
	va_list again;
	int count;

	/* Mostly it fits: formatting once to learn the length would cost as much again. */
	va_copy(again, arguments);
	count = vsnprintf(text->bytes ? text->bytes + text->used : NULL, room, format, again);
	va_end(again);
	if (count < 0 || !fb_text_reserve(text, (size_t)count)) {
		text->failed = true;
		if (text->bytes)
			text->bytes[text->used] = '\0';
		return;
	}
	if ((size_t)count >= room)
		vsnprintf(text->bytes + text->used, (size_t)count + 1, format, arguments);
	text->used += (size_t)count;
}

void fb_text_printf(struct fb_text *text, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fb_text_vprintf(text, format, arguments);
	va_end(arguments);
}

/* The length of the valid UTF-8 sequence of two to four bytes at `at`, or 0. */
static size_t utf8_length(const unsigned char *at, size_t left)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t length;

	if (at[0] >= 0xc2 && at[0] <= 0xdf)
		length = 2;
	else if ((at[0] & 0xf0) == 0xe0)
		length = 3;
	else if (at[0] >= 0xf0 && at[0] <= 0xf4)
		length = 4;
	else
		return 0;
	/* Overlong forms, surrogates and what lies past U+10FFFF: RFC 3629, section 4. */
	if (at[0] == 0xe0)
		low = 0xa0;
	else if (at[0] == 0xed)
		high = 0x9f;
	else if (at[0] == 0xf0)
		low = 0x90;
	else if (at[0] == 0xf4)
		high = 0x8f;
	if (left < length || at[1] < low || at[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

/* Whether an ASCII character stands for itself in a JSON string. */
static bool is_plain(unsigned char byte)
{
	return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

static void escape(struct fb_text *text, unsigned char byte)
{
	switch (byte) {
	case '"':
		fb_text_add(text, "\\\"", 2);
		break;
	case '\\':
		fb_text_add(text, "\\\\", 2);
		break;
	case '\n':
		fb_text_add(text, "\\n", 2);
		break;
	case '\t':
		fb_text_add(text, "\\t", 2);
		break;
	default:
		fb_text_printf(text, "\\u%04x", byte);
	}
}

/* U+0080 to U+009F, which terminals obey as they do ESC. */
static bool is_command(const unsigned char *at, size_t length)
{
	return length == 2 && at[0] == 0xc2 && at[1] < 0xa0;
}

void fb_text_quote(struct fb_text *text, const char *bytes, size_t count)
{
	const unsigned char *at = (const unsigned char *)bytes;
	size_t done = 0, start = 0, length;

	fb_text_add(text, "\"", 1);
	while (done < count) {
		if (is_plain(at[done])) {
			done++;
			continue;
		}
		length = at[done] >= 0x80 ? utf8_length(at + done, count - done) : 0;
		if (length && !is_command(at + done, length)) {
			done += length;
			continue;
		}
		fb_text_add(text, at + start, done - start);
		length = length ? length : 1;
		done += length;
		escape(text, at[done - 1]);
		start = done;
	}
	fb_text_add(text, at + start, done - start);
	fb_text_add(text, "\"", 1);
}

void fb_text_show(struct fb_text *text, const char *bytes, size_t count)
{
	const unsigned char *at = (const unsigned char *)bytes;

	for (size_t done = 0, length; done < count; done += length) {
		length = at[done] >= 0x80 ? utf8_length(at + done, count - done) : 0;
		bool plain = length ? !is_command(at + done, length)
				    : at[done] >= 0x20 && at[done] < 0x7f;

		length = length ? length : 1;
		if (plain)
			fb_text_add(text, at + done, length);
		else
			escape(text, at[done + length - 1]);
	}
}

void fb_text_quote_string(struct fb_text *text, const char *string)
{
	fb_text_quote(text, string, strlen(string));
}

bool fb_text_cut(struct fb_text *text, size_t used)
{
	bool whole = !text->failed;

	if (text->bytes && used <= text->used) {
		text->used = used;
		text->bytes[used] = '\0';
	}
	text->failed = false;
	return whole;
}

void fb_text_free(struct fb_text *text)
{
	free(text->bytes);
	memset(text, 0, sizeof(*text));
}
