// SPDX-License-Identifier: Apache-2.0
#include "attach/choices.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STAGE "attach"

static int parse(struct fb_option *option, const struct fb_function *function, const char *text,
		 struct fb_problem *problem)
{
	/* libbpf knows more sections than we do: those it attaches by itself. */
	if (text == function->section && !fb_hook_kind(text)) {
		snprintf(option->hook.text, sizeof(option->hook.text), "%s", text);
		return 0;
	}
	if (!fb_hook_parse(&option->hook, text, problem))
		return 0;
	snprintf(problem->function, sizeof(problem->function), "%s", function->name);
	return -EINVAL;
}

static int add(struct fb_choices *choices, const struct fb_function *function, size_t count,
	       char *const *texts, struct fb_problem *problem)
{
	struct fb_choice *items = realloc(choices->items, (choices->count + 1) * sizeof(*items));
	int error = 0;

	if (!items)
		return fb_fail(problem, STAGE, ENOMEM, "out of memory");
	choices->items = items;
	items += choices->count++;
	*items = (struct fb_choice){.function = function, .count = count};
	items->options = calloc(count, sizeof(*items->options));
	if (!items->options)
		return fb_fail(problem, STAGE, ENOMEM, "out of memory");
	for (size_t i = 0; !error && i < count; i++)
		error = parse(&items->options[i], function, texts[i], problem);
	return error;
}

static int bare_section(const struct fb_function *function, const char *section,
			struct fb_problem *problem)
{
	fb_problem_at(problem, function->name, "");
	fb_hint(problem, "--attach %s=%s/…, or hooks: in the manifest", function->name, section);
	return fb_fail(problem, STAGE, EINVAL,
		       "%s: its section \"%s\" does not say where to attach", function->name,
		       section);
}

/* libbpf: a section that begins with '?' is loaded only when asked for. */
static int add_section(struct fb_choices *choices, const struct fb_function *function, bool asked,
		       struct fb_problem *problem)
{
	const char *section = function->section;
	bool sleeps = section[0] == '?';

	if (sleeps && !asked)
		return 0;
	section += sleeps;
	if (fb_hook_is_bare(section))
		return bare_section(function, section, problem);
	return add(choices, function, 1, (char *const[]){(char *)section}, problem);
}

static int add_request(struct fb_choices *choices, const struct fb_function *function,
		       const struct fb_request *request, struct fb_problem *problem)
{
	int error = request->hook_count
			    ? add(choices, function, request->hook_count, request->hooks, problem)
			    : add_section(choices, function, true, problem);
	struct fb_choice *choice;

	if (error)
		return error;
	choice = &choices->items[choices->count - 1];
	choice->optional = request->optional;
	choice->unless = request->unless;
	return 0;
}

static const struct fb_function *find(const struct fb_program *program, const char *name)
{
	for (size_t i = 0; i < program->function_count; i++)
		if (!strcmp(program->functions[i].name, name))
			return &program->functions[i];
	return NULL;
}

static int unknown(const struct fb_program *program, const char *option, const char *name,
		   struct fb_problem *problem)
{
	struct fb_text names = {};

	for (size_t i = 0; i < program->function_count; i++)
		fb_text_printf(&names, " %s", program->functions[i].name);
	fb_problem_at(problem, name, "");
	fb_hint(problem, "its functions:%s", names.used ? names.bytes : " none");
	fb_text_free(&names);
	return fb_fail(problem, STAGE, ENOENT, "%s %s: %s has no such function", option, name,
		       program->name);
}

static int check_names(const struct fb_program *program, const struct fb_requests *requests,
		       struct fb_problem *problem)
{
	for (size_t i = 0; i < requests->count; i++) {
		const struct fb_request *request = &requests->items[i];

		if (!find(program, request->function))
			return unknown(program, request->load ? "--load" : "--attach",
				       request->function, problem);
		if (request->unless && !find(program, request->unless))
			return unknown(program, "--unless", request->unless, problem);
	}
	return 0;
}

int fb_choices_make(struct fb_choices *choices, const struct fb_program *program,
		    const struct fb_requests *requests, struct fb_problem *problem)
{
	int error = check_names(program, requests, problem);

	for (size_t i = 0; !error && i < program->function_count; i++) {
		const struct fb_function *function = &program->functions[i];
		bool asked = false;

		for (size_t j = 0; !error && j < requests->count; j++) {
			if (strcmp(requests->items[j].function, function->name) != 0)
				continue;
			asked = true;
			if (requests->items[j].load)
				continue;
			error = add_request(choices, function, &requests->items[j], problem);
		}
		if (!error && !asked && !function->called)
			error = add_section(choices, function, false, problem);
	}
	if (!error && !choices->count)
		error = fb_fail(problem, STAGE, EINVAL, "there is no function to attach");
	return error;
}

static bool works(const struct fb_choices *choices, const char *function)
{
	for (size_t i = 0; i < choices->count; i++)
		if (!strcmp(choices->items[i].function->name, function) &&
		    choices->items[i].next < choices->items[i].count)
			return true;
	return false;
}

bool fb_choice_counts(const struct fb_choices *choices, const struct fb_choice *choice)
{
	return choice->next < choice->count && !(choice->unless && works(choices, choice->unless));
}

/* A function that is there where this one could not be attached; NULL: none. */
static const struct fb_choice *stand_in(const struct fb_choices *choices,
					const struct fb_choice *choice)
{
	for (size_t i = 0; i < choices->count; i++)
		if (choices->items[i].unless &&
		    !strcmp(choices->items[i].unless, choice->function->name))
			return &choices->items[i];
	return NULL;
}

bool fb_choice_has_other(const struct fb_choices *choices, const struct fb_choice *choice)
{
	return choice->optional || choice->next + 1 < choice->count || stand_in(choices, choice);
}

int fb_choice_give_up(const struct fb_choices *choices, struct fb_choice *choice,
		      struct fb_problem *problem)
{
	bool other = fb_choice_has_other(choices, choice);
	struct fb_option *option = &choice->options[choice->next];

	if (!other && choice->next)
		fb_hint(problem, "%s before it: %s", choice->options[0].hook.text,
			choice->options[0].why_not);
	if (!other)
		return problem->error ? -problem->error : -EINVAL;
	option->why_not = strdup(problem->message);
	if (!option->why_not)
		return -ENOMEM;
	choice->next++;
	fb_problem_free(problem);
	return 0;
}

static void add_passed(const struct fb_choice *choice, const char **before, struct fb_text *out)
{
	for (size_t i = 0; i < choice->next; i++) {
		fb_text_printf(out, "%s{\"function\":", *before);
		fb_text_quote_string(out, choice->function->name);
		fb_text_puts(out, ",\"hook\":");
		fb_text_quote_string(out, choice->options[i].hook.text);
		fb_text_puts(out, ",\"reason\":");
		fb_text_quote_string(out, choice->options[i].why_not);
		fb_text_puts(out, "}");
		*before = ",";
	}
}

void fb_choice_passed_json(const struct fb_choices *choices, const struct fb_choice *choice,
			   struct fb_text *out)
{
	const char *before = ",\"instead_of\":[";

	for (size_t i = 0; choice->unless && i < choices->count; i++)
		if (!strcmp(choices->items[i].function->name, choice->unless))
			add_passed(&choices->items[i], &before, out);
	add_passed(choice, &before, out);
	if (before[1] == '\0') /* there is one */
		fb_text_puts(out, "]");
}

void fb_choices_warn(const struct fb_choices *choices, struct fb_warnings *warnings)
{
	for (size_t i = 0; i < choices->count; i++) {
		const struct fb_choice *choice = &choices->items[i];
		const struct fb_choice *other = stand_in(choices, choice);

		if (choice->next == choice->count && !(other && fb_choice_counts(choices, other)))
			fb_warn(warnings, "skipped: %s", choice->options[choice->next - 1].why_not);
	}
}

void fb_choices_free(struct fb_choices *choices)
{
	for (size_t i = 0; i < choices->count; i++) {
		struct fb_choice *choice = &choices->items[i];

		for (size_t j = 0; choice->options && j < choice->count; j++)
			free(choice->options[j].why_not);
		free(choice->options);
	}
	free(choices->items);
	choices->items = NULL;
	choices->count = 0;
}
