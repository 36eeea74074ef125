// SPDX-License-Identifier: Apache-2.0
#include "maps/metric_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * A label is read in dashboards and alerts: what is not seen as itself, or turns the direction of
 * writing round, is spelled out, as Python writes it. Each backslash of it is written twice.
 */
static bool is_hidden(unsigned int character)
{
	return character < 0x20 || (character >= 0x7f && character < 0xa0) || character == 0xad ||
	       character == 0x61c || (character >= 0x200b && character <= 0x200f) ||
	       (character >= 0x2028 && character <= 0x202e) ||
	       (character >= 0x2060 && character <= 0x206f) || character == 0xfeff;
}

static void add_spelled(struct fb_text *out, unsigned int character)
{
	switch (character) {
	case '\n':
		fb_text_puts(out, "\\\\n");
		break;
	case '\r':
		fb_text_puts(out, "\\\\r");
		break;
	case '\t':
		fb_text_puts(out, "\\\\t");
		break;
	default:
		fb_text_printf(out, character < 0x100 ? "\\\\x%02x" : "\\\\u%04x", character);
	}
}

/* What the encoders write as \u00XX: a control character, or a byte that is no UTF-8. */
static void add_escaped(struct fb_text *out, const char *digits)
{
	char hex[5] = "";
	unsigned int character;
	unsigned char bytes[2];

	memcpy(hex, digits, 4);
	character = (unsigned int)strtoul(hex, NULL, 16);
	if (is_hidden(character)) {
		add_spelled(out, character);
	} else if (character < 0x80) {
		bytes[0] = (unsigned char)character;
		fb_text_add(out, bytes, 1);
	} else {
		bytes[0] = (unsigned char)(0xc0 | (character >> 6 & 0x1f));
		bytes[1] = (unsigned char)(0x80 | (character & 0x3f));
		fb_text_add(out, bytes, 2);
	}
}

/* The character at `at` and its length; that of a single byte where UTF-8 is cut. */
static size_t read_character(const char *at, const char *end, unsigned int *character)
{
	const unsigned char *byte = (const unsigned char *)at;

	*character = byte[0];
	if (byte[0] >= 0xc2 && byte[0] <= 0xdf && end - at > 1) {
		*character = (byte[0] & 0x1fU) << 6 | (byte[1] & 0x3fU);
		return 2;
	}
	if ((byte[0] & 0xf0) == 0xe0 && end - at > 2) {
		*character = (byte[0] & 0xfU) << 12 | (byte[1] & 0x3fU) << 6 | (byte[2] & 0x3fU);
		return 3;
	}
	return 1;
}

static void add_character(struct fb_text *out, const char **at, const char *end)
{
	unsigned int character;
	size_t length = read_character(*at, end, &character);

	/* A byte of 0x80 and more that stands alone is the middle of a longer character. */
	if (is_hidden(character) && (length > 1 || character < 0x80))
		add_spelled(out, character);
	else
		fb_text_add(out, *at, length);
	*at += length;
}

/* A text of JSON, as Prometheus escapes: only \\ and \" are left of it. */
static void add_string(struct fb_text *out, const char *at, const char *end)
{
	while (at < end) {
		if (*at != '\\' || at + 1 == end) {
			add_character(out, &at, end);
			continue;
		}
		at++;
		if (*at == 'u' && end - at > 4) {
			add_escaped(out, at + 1);
			at += 4;
		} else if (*at == 'n' || *at == 't' || *at == 'r') {
			add_spelled(out, *at == 'n' ? '\n' : *at == 't' ? '\t' : '\r');
		} else {
			/* The same in both: \\, \". */
			fb_text_add(out, at - 1, 2);
		}
		at++;
	}
}

void fb_metric_label(struct fb_text *out, struct fb_piece json)
{
	const char *end = json.bytes + json.length;

	if (json.length >= 2 && *json.bytes == '"')
		add_string(out, json.bytes + 1, end - 1);
	else
		for (const char *at = json.bytes; at < end; at++)
			fb_text_add(out, *at == '"' ? "\\\"" : at, *at == '"' ? 2 : 1);
}

bool fb_metric_number(struct fb_piece json, double *number)
{
	char digits[48], *end;

	if (!json.length || json.length >= sizeof(digits))
		return false;
	memcpy(digits, json.bytes, json.length);
	digits[json.length] = '\0';
	*number = !strcmp(digits, "true");
	if (*number || !strcmp(digits, "false"))
		return true;
	*number = strtod(digits, &end);
	return !*end && strchr("-0123456789", digits[0]);
}

void fb_metric_head(struct fb_metric *metric)
{
	struct fb_text *out = &metric->block;

	fb_text_printf(out, "# HELP %s ", metric->name);
	for (const char *at = metric->help; *at; at++) {
		if (*at == '\n' || *at == '\\')
			fb_text_puts(out, *at == '\n' ? "\\n" : "\\\\");
		else
			fb_text_add(out, at, 1);
	}
	fb_text_printf(out, "\n# TYPE %s %s\n", metric->name, metric->type);
}

void fb_metric_sample(struct fb_text *out, const char *name, const char *suffix,
		      struct fb_piece labels, const char *more, double value)
{
	fb_text_printf(out, "%s%s", name, suffix);
	if (labels.length || *more) {
		fb_text_puts(out, "{");
		fb_text_add(out, labels.bytes, labels.length);
		fb_text_puts(out, labels.length && *more ? "," : "");
		fb_text_puts(out, more);
		fb_text_puts(out, "}");
	}
	/* Whole numbers up to 2**53 are exact, and written without an exponent. */
	if (value == floor(value) && fabs(value) < 9007199254740992.0)
		fb_text_printf(out, " %.0f\n", value);
	else
		fb_text_printf(out, " %.17g\n", value);
}

static void add_bucket(struct fb_metric *metric, struct fb_piece labels, double bound,
		       uint64_t count)
{
	char le[48] = "le=\"+Inf\"";

	if (isfinite(bound))
		snprintf(le, sizeof(le), "le=\"%.15g\"", bound);
	fb_metric_sample(&metric->block, metric->name, "_bucket", labels, le, (double)count);
}

/*
 * The map has counts only: the sum is that of each bucket's middle. Buckets without a count are
 * there too, up to the highest that any group has had, so that none comes or goes.
 */
void fb_metric_histogram(struct fb_metric *metric, struct fb_piece labels,
			 const struct fb_scale *scale, const struct fb_count *counts, size_t extent)
{
	uint64_t count = 0;
	double sum = 0;

	for (uint64_t slot = 0, next = 0; slot <= metric->top && slot < FB_MOST_BUCKETS; slot++) {
		double from = (double)fb_slot_from(scale, slot),
		       to = (double)fb_slot_to(scale, slot);

		if (next < extent && counts[next].slot == slot) {
			sum += (double)counts[next].count * (from + to) / 2;
			count += counts[next++].count;
		}
		add_bucket(metric, labels, to * metric->scale, count);
	}
	for (size_t i = 0; i < extent; i++) {
		if (counts[i].slot < FB_MOST_BUCKETS)
			continue;
		sum += (double)counts[i].count * (double)fb_slot_from(scale, counts[i].slot);
		count += counts[i].count;
	}
	add_bucket(metric, labels, INFINITY, count);
	fb_metric_sample(&metric->block, metric->name, "_sum", labels, "", sum * metric->scale);
	fb_metric_sample(&metric->block, metric->name, "_count", labels, "", (double)count);
}
