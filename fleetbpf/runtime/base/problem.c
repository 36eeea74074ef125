// SPDX-License-Identifier: Apache-2.0
#include "base/problem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int fb_fail(struct fb_problem *problem, const char *stage, int error, const char *message, ...)
{
	va_list arguments;

	if (!problem->message[0]) {
		problem->stage = stage;
		problem->error = error;
		va_start(arguments, message);
		vsnprintf(problem->message, sizeof(problem->message), message, arguments);
		va_end(arguments);
	}
	return error ? -error : -EINVAL;
}

/* Of libbpf/libbpf.h; here, because libbpf_strerror() has the words of who knows it. */
static const char *const libbpf_errors[] = {
	"libelf cannot read it",
	"its format is not valid",
	"its section \"version\" is not valid",
	"it was compiled for another byte order",
	"libbpf contradicts itself",
	"a relocation cannot be made",
	"the kernel refused to load it",
	"the verifier refused it",
	"it has too many instructions",
	"it was compiled for another version of the kernel",
	"this kernel has no programs of its type",
	"netlink's answer was for another process",
	"netlink's answer was out of order",
	"netlink's answer cannot be read",
};

#define LIBBPF_FIRST 4000
#define KERNEL_NOT_SUPPORTED 524 /* ENOTSUPP */

const char *fb_error_text(int error)
{
	size_t number = (size_t)(error - LIBBPF_FIRST);

	if (error >= LIBBPF_FIRST && number < sizeof(libbpf_errors) / sizeof(*libbpf_errors))
		return libbpf_errors[number];
	return error == KERNEL_NOT_SUPPORTED ? "this kernel does not support it" : strerror(error);
}

void fb_hint(struct fb_problem *problem, const char *hint, ...)
{
	va_list arguments;

	if (problem->hint[0])
		return;
	va_start(arguments, hint);
	vsnprintf(problem->hint, sizeof(problem->hint), hint, arguments);
	va_end(arguments);
}

void fb_problem_at(struct fb_problem *problem, const char *function, const char *hook)
{
	if (problem->function[0] || problem->hook[0])
		return;
	snprintf(problem->function, sizeof(problem->function), "%s", function);
	snprintf(problem->hook, sizeof(problem->hook), "%s", hook);
}

/* Names of files and what a kernel says may hold anything. */
static void print_line(const char *before, const char *line, size_t length)
{
	struct fb_text text = {};

	fb_text_show(&text, line, length);
	fprintf(stderr, "%s%s\n", before, text.used ? text.bytes : "");
	fb_text_free(&text);
}

void fb_problem_print(const struct fb_problem *problem, const char *program)
{
	const char *more = problem->more.used ? problem->more.bytes : "";

	fprintf(stderr, "%s: ", program);
	print_line("", problem->message, strlen(problem->message));
	for (size_t length; *more; more += length + (more[length] == '\n')) {
		length = strcspn(more, "\n");
		print_line("", more, length);
	}
	if (problem->hint[0])
		print_line("  hint: ", problem->hint, strlen(problem->hint));
}

void fb_problem_json(const struct fb_problem *problem, struct fb_text *out)
{
	fb_text_puts(out, "{\"stage\":");
	fb_text_quote_string(out, problem->stage ? problem->stage : "");
	fb_text_puts(out, ",\"function\":");
	fb_text_quote_string(out, problem->function);
	fb_text_puts(out, ",\"hook\":");
	fb_text_quote_string(out, problem->hook);
	fb_text_printf(out, ",\"errno\":%d,\"message\":", problem->error);
	fb_text_quote_string(out, problem->message);
	fb_text_puts(out, ",\"hint\":");
	fb_text_quote_string(out, problem->hint);
	fb_text_puts(out, ",\"detail\":");
	fb_text_quote_string(out, problem->more.used ? problem->more.bytes : "");
	fb_text_puts(out, "}\n");
}

void fb_problem_free(struct fb_problem *problem)
{
	fb_text_free(&problem->more);
	memset(problem, 0, sizeof(*problem));
}
