// SPDX-License-Identifier: Apache-2.0
#include "base/warnings.h"

#include <stdarg.h>
#include <stdio.h>

void fb_warn(struct fb_warnings *warnings, const char *format, ...)
{
	struct fb_text *json = &warnings->json;
	struct fb_text shown = {};
	char line[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	fb_text_show(&shown, line, strlen(line));
	fprintf(stderr, "warning: %s\n", shown.used ? shown.bytes : "");
	fb_text_free(&shown);
	if (json->used)
		fb_text_cut(json, json->used - 1); /* its closing bracket */
	fb_text_puts(json, json->used ? "," : "[");
	fb_text_quote_string(json, line);
	fb_text_puts(json, "]");
}

const char *fb_warnings_json(const struct fb_warnings *warnings)
{
	return warnings->json.used ? warnings->json.bytes : "[]";
}

void fb_warnings_free(struct fb_warnings *warnings)
{
	fb_text_free(&warnings->json);
}
