// SPDX-License-Identifier: Apache-2.0
#include "json/pick.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Just behind the string that begins at `at`; `end` when it does not end. */
static const char *behind_string(const char *at, const char *end)
{
	for (at++; at < end; at++) {
		if (*at == '\\')
			at++;
		else if (*at == '"')
			return at + 1;
	}
	return end;
}

/* Just behind the value that begins at `at`. */
static const char *behind_value(const char *at, const char *end)
{
	size_t depth = 0;

	while (at < end) {
		if (*at == '"') {
			at = behind_string(at, end);
		} else if (*at == '{' || *at == '[') {
			depth++;
			at++;
		} else if ((*at == '}' || *at == ']') && depth) {
			depth--;
			at++;
		} else if (!depth && (*at == ',' || *at == '}' || *at == ']')) {
			break;
		} else {
			at++;
			continue; /* within a number or a word, or between two values */
		}
		if (!depth)
			break;
	}
	return at;
}

/* The value of the field called so, in the object at `at`; `end` when it has none. */
static const char *field(const char *at, const char *end, const char *name, size_t length)
{
	if (at == end || *at != '{')
		return end;
	for (at++; at < end && *at == '"';) {
		const char *known = at + 1, *behind = behind_string(at, end);
		bool found = (size_t)(behind - known) == length + 1 && !memcmp(known, name, length);

		at = behind < end ? behind + 1 : end; /* the colon */
		if (found)
			return at;
		at = behind_value(at, end);
		at += at < end; /* the comma, or the object's end */
	}
	return end;
}

static const char *element(const char *at, const char *end, unsigned long index)
{
	if (at == end || *at != '[')
		return end;
	at++;
	while (index-- && at < end) {
		at = behind_value(at, end);
		if (at == end || *at != ',')
			return end;
		at++;
	}
	return at < end && *at != ']' ? at : end;
}

struct fb_piece fb_pick(const char *json, size_t length, const char *way)
{
	const char *at = json, *end = json + length;

	while (*way && at < end) {
		size_t name = strcspn(way + 1, ".[");

		if (*way == '.') {
			at = field(at, end, way + 1, name);
		} else {
			at = element(at, end, strtoul(way + 1, NULL, 10));
		}
		way += 1 + name;
	}
	return (struct fb_piece){at, (size_t)(behind_value(at, end) - at)};
}

struct fb_piece fb_pick_from_entry(const struct fb_text *key, const struct fb_text *value,
				   const char *way)
{
	size_t name = strcspn(way, ".[");
	const struct fb_text *text =
		name == strlen("key") && !strncmp(way, "key", name) ? key : value;

	return fb_pick(text->bytes ? text->bytes : "", text->used, way + name);
}

bool fb_piece_integer(struct fb_piece piece, long long *number)
{
	char digits[24], *end;

	if (!piece.length || piece.length >= sizeof(digits))
		return false;
	memcpy(digits, piece.bytes, piece.length);
	digits[piece.length] = '\0';
	errno = 0;
	*number = strtoll(digits, &end, 10);
	return !*end && !errno;
}
