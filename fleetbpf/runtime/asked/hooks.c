// SPDX-License-Identifier: Apache-2.0
#include "asked/hooks.h"

#include <errno.h>
#include <limits.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#define STAGE "hooks"
#define ITER_EVERY 10.0 /* seconds, where a hook does not say */

bool fb_kernel_before(unsigned version)
{
	struct utsname kernel = {};
	char *rest = kernel.release;
	unsigned long major, minor;

	if (uname(&kernel))
		return false;
	major = strtoul(rest, &rest, 10);
	minor = *rest == '.' ? strtoul(rest + 1, NULL, 10) : 0;
	return FB_KERNEL(major, minor) < version;
}

/* Whether `text` is `word`, or `word` and a slash with more behind it. */
static bool begins_with(const char *text, const char *word)
{
	size_t length = word ? strlen(word) : 0;

	return length && !strncmp(text, word, length) && (text[length] == '/' || !text[length]);
}

const struct fb_hook_kind *fb_hook_kind(const char *text)
{
	for (size_t i = 0; i < fb_hook_kind_count; i++)
		if (begins_with(text, fb_hook_kinds[i].word) ||
		    begins_with(text, fb_hook_kinds[i].alias))
			return &fb_hook_kinds[i];
	return NULL;
}

/* What stands behind the word and its slash; NULL without a slash. */
static const char *target_of(const struct fb_hook_kind *kind, const char *text)
{
	const char *word = begins_with(text, kind->word) ? kind->word : kind->alias;

	return text[strlen(word)] ? text + strlen(word) + 1 : NULL;
}

bool fb_hook_is_bare(const char *section)
{
	const struct fb_hook_kind *kind = fb_hook_kind(section);
	const char *target = kind ? target_of(kind, section) : NULL;

	if (!kind || !target)
		return kind;
	return kind->parse == fb_parse_direction &&
	       (!strcmp(target, "ingress") || !strcmp(target, "egress"));
}

static int wrong_shape(const char *text, const char *shape, struct fb_problem *problem)
{
	fb_problem_at(problem, "", text);
	fb_hint(problem, "want %s", shape);
	return fb_fail(problem, STAGE, EINVAL, "hook %s: not in the shape that is wanted", text);
}

static int unknown_kind(const char *text, struct fb_problem *problem)
{
	struct fb_text known = {};

	for (size_t i = 0; i < fb_hook_kind_count; i++)
		fb_text_printf(&known, " %s", fb_hook_kinds[i].word);
	fb_problem_at(problem, "", text);
	fb_hint(problem, "known:%s", known.used ? known.bytes : "");
	fb_text_free(&known);
	return fb_fail(problem, STAGE, EINVAL, "hook %s: unknown kind of hook", text);
}

int fb_hook_parse(struct fb_hook *hook, const char *text, struct fb_problem *problem)
{
	const struct fb_hook_kind *kind = fb_hook_kind(text);
	const char *target = kind ? target_of(kind, text) : NULL;
	char form[256];

	memset(hook, 0, sizeof(*hook));
	hook->pid = -1;
	if (strlen(text) >= sizeof(hook->text))
		return wrong_shape(text, "at most 511 bytes", problem);
	snprintf(hook->text, sizeof(hook->text), "%s", text);
	if (!kind)
		return unknown_kind(text, problem);
	hook->kind = kind;
	if (target && kind->parse(hook, target))
		return 0;
	snprintf(form, sizeof(form), "%s%s", kind->word, kind->form);
	return wrong_shape(text, form, problem);
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

static bool parse_integer(const char *text, int *number)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	*number = (int)value;
	return end != text && !*end && !errno && value >= INT_MIN && value <= INT_MAX;
}

bool fb_parse_name(struct fb_hook *hook, const char *target)
{
	return !strchr(target, '/') && copy(hook->name, sizeof(hook->name), target, strlen(target));
}

/* SYSTEM/NAME */
bool fb_parse_tracepoint(struct fb_hook *hook, const char *target)
{
	const char *slash = strchr(target, '/');

	return slash && !strchr(slash + 1, '/') &&
	       copy(hook->place, sizeof(hook->place), target, (size_t)(slash - target)) &&
	       copy(hook->name, sizeof(hook->name), slash + 1, strlen(slash + 1));
}

static bool copy_symbol(struct fb_hook *hook, const char *symbol, size_t length)
{
	const char *plus = memchr(symbol, '+', length);
	char offset[32];

	if (!plus)
		return copy(hook->name, sizeof(hook->name), symbol, length);
	return copy(offset, sizeof(offset), plus + 1, length - (size_t)(plus + 1 - symbol)) &&
	       parse_number(offset, &hook->offset) &&
	       copy(hook->name, sizeof(hook->name), symbol, (size_t)(plus - symbol));
}

/* NAME or NAME+OFFSET */
bool fb_parse_symbol(struct fb_hook *hook, const char *target)
{
	return copy_symbol(hook, target, strlen(target));
}

/* uprobe/usr/bin/x:main means /usr/bin/x; uprobe/libc.so.6:malloc is searched for. */
static bool copy_path(struct fb_hook *hook, const char *path, size_t length)
{
	char *to = hook->place;

	if (path[0] != '/' && memchr(path, '/', length))
		*to++ = '/';
	return copy(to, sizeof(hook->place) - 1, path, length);
}

/*
 * Take an "@PID" off the end of a symbol's or probe's name; what is left of its length. Versions
 * of symbols begin with an '@' too, but are no numbers.
 */
static size_t take_pid(struct fb_hook *hook, const char *name)
{
	const char *at = strrchr(name, '@');

	if (at && parse_integer(at + 1, &hook->pid) && hook->pid > 0)
		return (size_t)(at - name);
	hook->pid = -1;
	return strlen(name);
}

/* A path may hold anything, colons too; a symbol cannot: the last colon divides them. */
bool fb_parse_uprobe(struct fb_hook *hook, const char *target)
{
	const char *colon = strrchr(target, ':');
	char address[32];
	size_t length;

	if (!colon || !copy_path(hook, target, (size_t)(colon - target)))
		return false;
	length = take_pid(hook, colon + 1);
	if (copy(address, sizeof(address), colon + 1, length) &&
	    parse_number(address, &hook->offset))
		return true;
	return copy_symbol(hook, colon + 1, length);
}

/* As with a uprobe, the last two colons divide. */
bool fb_parse_usdt(struct fb_hook *hook, const char *target)
{
	const char *name = strrchr(target, ':');
	const char *provider = name ? memrchr(target, ':', (size_t)(name - target)) : NULL;

	return provider && copy_path(hook, target, (size_t)(provider - target)) &&
	       copy(hook->provider, sizeof(hook->provider), provider + 1,
		    (size_t)(name - provider - 1)) &&
	       copy(hook->name, sizeof(hook->name), name + 1, take_pid(hook, name + 1));
}

/* EVENT@HZ */
bool fb_parse_event(struct fb_hook *hook, const char *target)
{
	const char *at = strchr(target, '@');

	return at && copy(hook->name, sizeof(hook->name), target, (size_t)(at - target)) &&
	       parse_number(at + 1, &hook->frequency) && hook->frequency &&
	       hook->frequency <= FB_FREQUENCY_MAX;
}

/* "10s", "0.5s" */
static bool parse_seconds(const char *text, uint64_t *nanoseconds)
{
	char *end;
	double seconds = strtod(text, &end);

	*nanoseconds = (uint64_t)(seconds * 1e9);
	return end != text && !strcmp(end, "s") && seconds >= 0.1 && seconds <= 1e6;
}

/* TYPE, TYPE:MAP, and @SECONDS behind it. */
bool fb_parse_iter(struct fb_hook *hook, const char *target)
{
	const char *at = strchr(target, '@'), *colon = strchr(target, ':');
	const char *end = at ? at : target + strlen(target);

	hook->every = (uint64_t)(ITER_EVERY * 1e9);
	if (strchr(target, '/') || (at && !parse_seconds(at + 1, &hook->every)))
		return false;
	if (colon && colon < end &&
	    !copy(hook->provider, sizeof(hook->provider), colon + 1, (size_t)(end - colon - 1)))
		return false;
	end = colon && colon < end ? colon : end;
	return copy(hook->name, sizeof(hook->name), target, (size_t)(end - target));
}

static bool copy_interface(struct fb_hook *hook, const char *name, size_t length)
{
	return length < IF_NAMESIZE && !memchr(name, '/', length) &&
	       copy(hook->name, sizeof(hook->name), name, length);
}

/* INTERFACE, and @skb or @native behind it. */
bool fb_parse_xdp(struct fb_hook *hook, const char *target)
{
	const char *at = strrchr(target, '@');
	size_t length = at ? (size_t)(at - target) : strlen(target);

	if (at && !strcmp(at, "@skb"))
		hook->mode = XDP_FLAGS_SKB_MODE;
	else if (at && !strcmp(at, "@native"))
		hook->mode = XDP_FLAGS_DRV_MODE;
	else if (at)
		return false;
	return copy_interface(hook, target, length);
}

/* INTERFACE/ingress or INTERFACE/egress */
bool fb_parse_direction(struct fb_hook *hook, const char *target)
{
	const char *slash = strchr(target, '/');

	return slash && (!strcmp(slash, "/ingress") || !strcmp(slash, "/egress")) &&
	       copy(hook->provider, sizeof(hook->provider), slash + 1, strlen(slash + 1)) &&
	       copy_interface(hook, target, (size_t)(slash - target));
}

/* PROTOCOL/HOOK, and @PRIORITY behind it; net_hooks.c knows which there are. */
bool fb_parse_netfilter(struct fb_hook *hook, const char *target)
{
	const char *slash = strchr(target, '/'), *at = strchr(target, '@');
	size_t length = at ? (size_t)(at - target) : strlen(target);

	if (!slash || (at && (at < slash || !parse_integer(at + 1, &hook->priority))))
		return false;
	return copy(hook->place, sizeof(hook->place), target, (size_t)(slash - target)) &&
	       copy(hook->name, sizeof(hook->name), slash + 1,
		    length - (size_t)(slash + 1 - target));
}

/* The path of a file or folder: absolute, or what its kind makes of it. */
bool fb_parse_path(struct fb_hook *hook, const char *target)
{
	return copy(hook->place, sizeof(hook->place), target, strlen(target));
}

/* NAME/PATH */
bool fb_parse_name_and_path(struct fb_hook *hook, const char *target)
{
	const char *slash = strchr(target, '/');

	return slash && copy(hook->name, sizeof(hook->name), target, (size_t)(slash - target)) &&
	       fb_parse_path(hook, slash + 1);
}
