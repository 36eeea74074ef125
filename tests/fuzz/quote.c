// SPDX-License-Identifier: Apache-2.0
/*
 * Any bytes become one JSON string, from which they can be read back. U+0080 to U+009F, which steer
 * terminals, are told as the byte that stands for them in Latin-1 is.
 */
#include <string.h>

#include "fuzz.h"

static int digit(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* The byte at *at of a string that we wrote, where it stands for one; UTF-8 stands for itself. */
static unsigned char take(const char **at)
{
	static const char short_forms[] = "\"\\nrtbf", meant[] = "\"\\\n\r\t\b\f";
	const char *found;

	if (*(*at)++ != '\\')
		return (unsigned char)(*at)[-1];
	if (*(*at)++ == 'u') {
		must((*at)[0] == '0' && (*at)[1] == '0');
		*at += 4;
		return (unsigned char)(digit((*at)[-2]) << 4 | digit((*at)[-1]));
	}
	found = strchr(short_forms, (*at)[-1]);
	must(found);
	return (unsigned char)meant[found - short_forms];
}

static int steers(const unsigned char *at, size_t left)
{
	return left > 1 && at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0;
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
	struct fb_text text = {};
	const char *at, *end;

	fb_text_quote(&text, (const char *)bytes, size);
	must(text.used >= 2 && text.bytes[0] == '"' && text.bytes[text.used - 1] == '"');
	at = text.bytes + 1;
	end = text.bytes + text.used - 1;
	for (size_t i = 0; i < size; i++) {
		must(at < end && (unsigned char)*at >= ' ');
		if (steers(bytes + i, size - i)) {
			must(*at == '\\');
			i++;
		}
		must(take(&at) == bytes[i]);
	}
	must(at == end);
	fb_text_free(&text);
	return 0;
}
