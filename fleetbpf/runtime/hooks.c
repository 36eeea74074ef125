// SPDX-License-Identifier: Apache-2.0
#include "hooks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STAGE "hooks"

static const struct {
	const char *word;
	enum fb_hook_kind kind;
	const char *shape;
} kinds[] = {
	{"tracepoint", FB_HOOK_TRACEPOINT, "tracepoint/SYSTEM/NAME"},
	{"tp", FB_HOOK_TRACEPOINT, "tracepoint/SYSTEM/NAME"},
	{"raw_tracepoint", FB_HOOK_RAW_TP, "raw_tp/NAME"},
	{"raw_tp", FB_HOOK_RAW_TP, "raw_tp/NAME"},
	{"raw_tracepoint.w", FB_HOOK_RAW_TP_WRITABLE, "raw_tp.w/NAME"},
	{"raw_tp.w", FB_HOOK_RAW_TP_WRITABLE, "raw_tp.w/NAME"},
	{"tp_btf", FB_HOOK_TP_BTF, "tp_btf/NAME"},
	{"kprobe", FB_HOOK_KPROBE, "kprobe/FUNCTION or kprobe/FUNCTION+OFFSET"},
	{"kretprobe", FB_HOOK_KRETPROBE, "kretprobe/FUNCTION"},
	{"kprobe.multi", FB_HOOK_KPROBE_MULTI, "kprobe.multi/GLOB, with * and ?"},
	{"kretprobe.multi", FB_HOOK_KRETPROBE_MULTI, "kretprobe.multi/GLOB, with * and ?"},
	{"ksyscall", FB_HOOK_KSYSCALL, "ksyscall/NAME, as in ksyscall/openat"},
	{"kretsyscall", FB_HOOK_KRETSYSCALL, "kretsyscall/NAME, as in kretsyscall/openat"},
	{"fentry", FB_HOOK_FENTRY, "fentry/FUNCTION"},
	{"fexit", FB_HOOK_FEXIT, "fexit/FUNCTION"},
	{"uprobe", FB_HOOK_UPROBE,
	 "uprobe/PATH:SYMBOL, uprobe/PATH:SYMBOL+OFFSET or uprobe/PATH:0xOFFSET"},
	{"uretprobe", FB_HOOK_URETPROBE, "uretprobe/PATH:SYMBOL"},
	{"usdt", FB_HOOK_USDT, "usdt/PATH:PROVIDER:NAME"},
	{"perf_event", FB_HOOK_PERF_EVENT,
	 "perf_event/EVENT@HZ with 1 to 100000 Hz, as in perf_event/cpu-clock@49"},
};

#define KINDS (sizeof(kinds) / sizeof(*kinds))

static size_t kind_index(const char *text)
{
	size_t length = strcspn(text, "/"), i;

	for (i = 0; i < KINDS; i++)
		if (strlen(kinds[i].word) == length && !strncmp(kinds[i].word, text, length))
			break;
	return i;
}

enum fb_hook_kind fb_hook_kind(const char *text)
{
	size_t i = kind_index(text);

	return i < KINDS ? kinds[i].kind : FB_HOOK_OTHER;
}

bool fb_hook_is_bare(const char *section)
{
	return fb_hook_kind(section) != FB_HOOK_OTHER && !strchr(section, '/');
}

bool fb_hook_is_typed(enum fb_hook_kind kind)
{
	return kind == FB_HOOK_TP_BTF || kind == FB_HOOK_FENTRY || kind == FB_HOOK_FEXIT;
}

static int wrong_shape(const char *text, const char *shape, struct fb_problem *problem)
{
	fb_problem_at(problem, "", text);
	fb_hint(problem, "want %s", shape);
	return fb_fail(problem, STAGE, EINVAL, "hook %s: not in the shape that is wanted", text);
}

/* Copy `length` bytes; false when there are none, or too many. */
static bool copy(char *to, size_t size, const char *from, size_t length)
{
	if (!length || length >= size)
		return false;
	memcpy(to, from, length);
	to[length] = '\0';
	return true;
}

static bool parse_number(const char *text, size_t *number)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*number = strtoull(text, &end, 0);
	return !*end && !errno;
}

static bool parse_tracepoint(struct fb_hook *hook, const char *target)
{
	const char *slash = strchr(target, '/');

	return slash && !strchr(slash + 1, '/') &&
	       copy(hook->place, sizeof(hook->place), target, (size_t)(slash - target)) &&
	       copy(hook->name, sizeof(hook->name), slash + 1, strlen(slash + 1));
}

/* NAME or NAME+OFFSET */
static bool parse_symbol(struct fb_hook *hook, const char *target)
{
	const char *plus = strchr(target, '+');
	size_t length = plus ? (size_t)(plus - target) : strlen(target);

	if (plus && !parse_number(plus + 1, &hook->offset))
		return false;
	return copy(hook->name, sizeof(hook->name), target, length);
}

/* uprobe/usr/bin/x:main means /usr/bin/x; uprobe/libc.so.6:malloc is searched for. */
static bool copy_path(struct fb_hook *hook, const char *path, size_t length)
{
	char *to = hook->place;

	if (path[0] != '/' && memchr(path, '/', length))
		*to++ = '/';
	return copy(to, sizeof(hook->place) - 1, path, length);
}

/* A path may hold anything, colons too; a symbol cannot: the last colon divides them. */
static bool parse_uprobe(struct fb_hook *hook, const char *target)
{
	const char *colon = strrchr(target, ':');

	if (!colon || !copy_path(hook, target, (size_t)(colon - target)))
		return false;
	return parse_number(colon + 1, &hook->offset) || parse_symbol(hook, colon + 1);
}

/* As with a uprobe, the last two colons divide. */
static bool parse_usdt(struct fb_hook *hook, const char *target)
{
	const char *name = strrchr(target, ':');
	const char *provider = name ? memrchr(target, ':', (size_t)(name - target)) : NULL;

	return provider && copy_path(hook, target, (size_t)(provider - target)) &&
	       copy(hook->provider, sizeof(hook->provider), provider + 1,
		    (size_t)(name - provider - 1)) &&
	       copy(hook->name, sizeof(hook->name), name + 1, strlen(name + 1));
}

/* EVENT@HZ */
static bool parse_event(struct fb_hook *hook, const char *target)
{
	const char *at = strchr(target, '@');

	return at && copy(hook->name, sizeof(hook->name), target, (size_t)(at - target)) &&
	       parse_number(at + 1, &hook->frequency) && hook->frequency &&
	       hook->frequency <= FB_FREQUENCY_MAX;
}

static bool parse_name(struct fb_hook *hook, const char *target)
{
	return !strchr(target, '/') && copy(hook->name, sizeof(hook->name), target, strlen(target));
}

static bool parse_target(struct fb_hook *hook, const char *target)
{
	switch (hook->kind) {
	case FB_HOOK_TRACEPOINT:
		return parse_tracepoint(hook, target);
	case FB_HOOK_KPROBE:
	case FB_HOOK_KRETPROBE:
		return parse_symbol(hook, target);
	case FB_HOOK_UPROBE:
	case FB_HOOK_URETPROBE:
		return parse_uprobe(hook, target);
	case FB_HOOK_USDT:
		return parse_usdt(hook, target);
	case FB_HOOK_PERF_EVENT:
		return parse_event(hook, target);
	case FB_HOOK_RAW_TP:
	case FB_HOOK_RAW_TP_WRITABLE:
	case FB_HOOK_TP_BTF:
	case FB_HOOK_KPROBE_MULTI:
	case FB_HOOK_KRETPROBE_MULTI:
	case FB_HOOK_KSYSCALL:
	case FB_HOOK_KRETSYSCALL:
	case FB_HOOK_FENTRY:
	case FB_HOOK_FEXIT:
		return parse_name(hook, target);
	case FB_HOOK_OTHER:
		break;
	}
	return false;
}

int fb_hook_parse(struct fb_hook *hook, const char *text, struct fb_problem *problem)
{
	size_t i = kind_index(text);
	const char *slash = strchr(text, '/');

	memset(hook, 0, sizeof(*hook));
	if (strlen(text) >= sizeof(hook->text))
		return wrong_shape(text, "at most 511 bytes", problem);
	snprintf(hook->text, sizeof(hook->text), "%s", text);
	if (i == KINDS) {
		fb_problem_at(problem, "", text);
		fb_hint(problem, "known: tracepoint raw_tp raw_tp.w tp_btf kprobe kretprobe "
				 "kprobe.multi kretprobe.multi ksyscall kretsyscall fentry fexit "
				 "uprobe uretprobe usdt perf_event, as in tracepoint/SYSTEM/NAME");
		return fb_fail(problem, STAGE, EINVAL, "hook %s: unknown kind of hook", text);
	}
	hook->kind = kinds[i].kind;
	if (!slash || !parse_target(hook, slash + 1))
		return wrong_shape(text, kinds[i].shape, problem);
	return 0;
}
