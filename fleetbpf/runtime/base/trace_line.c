// SPDX-License-Identifier: Apache-2.0
#include "base/trace_line.h"

#include <string.h>

/* comm is at most 15 bytes, so that this cannot be a part of it. */
#define ANCHOR ": bpf_trace_printk: "

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Read digits from *at on; false when there are none, or too many. */
static bool take_number(const char **at, const char *end, uint64_t *number)
{
	const char *start = *at;

	*number = 0;
	while (*at < end && digit(**at) && *at - start < 19)
		*number = *number * 10 + (uint64_t)(*(*at)++ - '0');
	return *at > start && (*at == end || !digit(**at));
}

static bool take(const char **at, const char *end, const char *word)
{
	size_t length = strlen(word);

	if ((size_t)(end - *at) < length || memcmp(*at, word, length) != 0)
		return false;
	*at += length;
	return true;
}

/* CPU:3 [LOST 17 EVENTS], or CPU:3 [LOST EVENTS] */
static bool parse_lost(const char *at, const char *end, struct fb_line *line)
{
	uint64_t cpu;

	if (!take(&at, end, "CPU:") || !take_number(&at, end, &cpu) || !take(&at, end, " [LOST "))
		return false;
	line->lost = 0;
	if (at < end && digit(*at) && (!take_number(&at, end, &line->lost) || !take(&at, end, " ")))
		return false;
	if (!take(&at, end, "EVENTS]") || at != end || cpu > 65535)
		return false;
	line->cpu = (unsigned int)cpu;
	line->kind = FB_LINE_LOST;
	return true;
}

/* The last word before *end; *end moves to where the word begins. */
static const char *word_before(const char *start, const char **end, const char **word_end)
{
	const char *at = *end;

	while (at > start && at[-1] == ' ')
		at--;
	*word_end = at;
	while (at > start && at[-1] != ' ')
		at--;
	*end = at;
	return at;
}

/* 31.813279 -> 31813279000 */
static bool parse_time(const char *at, const char *end, uint64_t *time)
{
	uint64_t seconds, micros;

	if (!take_number(&at, end, &seconds) || !take(&at, end, ".") || end - at != 6 ||
	    !take_number(&at, end, &micros) || seconds > UINT64_MAX / 1000000000 - 1)
		return false;
	*time = seconds * 1000000000 + micros * 1000;
	return true;
}

static bool parse_cpu(const char *at, const char *end, unsigned int *cpu)
{
	uint64_t number;

	if (!take(&at, end, "[") || !take_number(&at, end, &number) || number > 65535 ||
	    !take(&at, end, "]") || at != end)
		return false;
	*cpu = (unsigned int)number;
	return true;
}

/* "   <comm>-<pid>  ", where comm may hold anything, dashes too. */
static bool parse_task(const char *start, const char *end, struct fb_line *line)
{
	const char *word_end, *at = end, *digits;
	uint64_t pid;

	while (at > start && at[-1] == ' ')
		at--;
	word_end = at;
	while (at > start && digit(at[-1]))
		at--;
	digits = at;
	if (at == start || at[-1] != '-' || !take_number(&digits, word_end, &pid) ||
	    pid > INT32_MAX)
		return false;
	line->pid = (int)pid;
	line->comm = start;
	line->comm_length = (size_t)(at - 1 - start);
	line->comm_lacking =
		line->comm_length < FB_COMM_COLUMN ? FB_COMM_COLUMN - line->comm_length : 0;
	while (!line->comm_lacking && line->comm_length && *line->comm == ' ') {
		line->comm++;
		line->comm_length--;
	}
	return true;
}

/*
 * From the anchor backwards: time, flags (four characters on 5.10, five later), [cpu], then
 * perhaps the thread group "(  123)", then comm-pid.
 */
static bool parse_prefix(const char *start, const char *end, struct fb_line *line)
{
	const char *at = end, *word, *word_end;

	word = word_before(start, &at, &word_end);
	if (!parse_time(word, word_end, &line->time))
		return false;
	word_before(start, &at, &word_end);
	word = word_before(start, &at, &word_end);
	if (!parse_cpu(word, word_end, &line->cpu))
		return false;
	while (at > start && at[-1] == ' ')
		at--;
	if (at > start && at[-1] == ')') {
		while (at > start && at[-1] != '(')
			at--;
		if (at == start)
			return false;
		at--;
	}
	return parse_task(start, at, line);
}

struct fb_line fb_line_parse(const char *line, size_t length)
{
	struct fb_line parsed = {.kind = FB_LINE_OTHER};
	const char *anchor;

	if (parse_lost(line, line + length, &parsed))
		return parsed;
	anchor = memmem(line, length, ANCHOR, strlen(ANCHOR));
	if (anchor && parse_prefix(line, anchor, &parsed)) {
		parsed.kind = FB_LINE_RECORD;
		parsed.text = anchor + strlen(ANCHOR);
		parsed.text_length = (size_t)(line + length - parsed.text);
		return parsed;
	}
	parsed = (struct fb_line){.kind = FB_LINE_OTHER};
	return parsed;
}
