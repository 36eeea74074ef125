// SPDX-License-Identifier: Apache-2.0
#include "attach/attach.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "attach/called.h"
#include "attach/iter.h"
#include "attach/kernel_hooks.h"
#include "attach/net_hooks.h"
#include "attach/privileges.h"
#include "attach/tracing_hooks.h"

#define STAGE "attach"

int fb_attach_fail(struct fb_problem *problem, const char *function, const char *hook, int error,
		   const char *reason, ...)
{
	char text[512] = "";
	struct utsname kernel = {};
	va_list arguments;

	va_start(arguments, reason);
	vsnprintf(text, sizeof(text), reason, arguments);
	va_end(arguments);
	uname(&kernel);
	fb_problem_at(problem, function, hook);
	return fb_fail(problem, STAGE, error, "cannot attach %s to %s on kernel %s: %s", function,
		       hook, kernel.release, text);
}

int fb_hook_fail(const struct fb_attachment *attachment, int error, const char *reason,
		 struct fb_problem *problem)
{
	return fb_attach_fail(problem, attachment->function->name, attachment->hook->text, error,
			      "%s", reason);
}

static int add(struct fb_attachments *attachments, const struct fb_attachment *attachment,
	       struct fb_problem *problem)
{
	struct fb_attachment *items =
		realloc(attachments->items, (attachments->count + 1) * sizeof(*items));

	if (!items)
		return fb_fail(problem, STAGE, ENOMEM, "out of memory");
	attachments->items = items;
	items[attachments->count++] = *attachment;
	return 0;
}

/* Whatever is compiled into the function's section decides what it is passed. */
static int check_fit(const struct fb_function *function, const struct fb_hook *hook,
		     struct fb_problem *problem)
{
	const char *section = function->section;

	section += section[0] == '?';
	if (!hook->kind || fb_hook_fits(fb_hook_kind(section), hook->kind))
		return 0;
	return fb_attach_fail(problem, function->name, hook->text, EINVAL,
			      "it was compiled for \"%s\", which passes other arguments", section);
}

/* A function is loaded once: all its hooks must want it loaded in the same way. */
static int check_shared(const struct fb_choice *one, const struct fb_choice *other,
			struct fb_problem *problem)
{
	for (size_t i = 0; i < one->count; i++)
		for (size_t j = 0; j < other->count; j++) {
			const struct fb_hook *first = &one->options[i].hook;
			const struct fb_hook *second = &other->options[j].hook;

			if (!fb_hooks_share(first->kind, second->kind))
				return fb_attach_fail(
					problem, one->function->name, second->text, EINVAL,
					"it goes to %s already, and these two need a function each",
					first->text);
		}
	return 0;
}

/* What cannot be on any kernel. */
static int check_choices(const struct fb_choices *choices, struct fb_problem *problem)
{
	int error = 0;

	for (size_t i = 0; !error && i < choices->count; i++) {
		const struct fb_choice *choice = &choices->items[i];

		for (size_t j = 0; !error && j < choice->count; j++)
			error = check_fit(choice->function, &choice->options[j].hook, problem);
		for (size_t j = 0; !error && j < i; j++)
			if (choices->items[j].function == choice->function)
				error = check_shared(&choices->items[j], choice, problem);
	}
	return error;
}

/* The first option of a choice that this kernel is not known to lack, if there is one. */
static int plan_choice(struct fb_attachments *attachments, struct fb_choice *choice,
		       struct fb_attachment *attachment, struct fb_problem *problem)
{
	int error;

	attachment->choice = choice;
	attachment->function = choice->function;
	attachment->program =
		bpf_object__find_program_by_name(attachment->object, choice->function->name);
	if (!attachment->program)
		return fb_fail(problem, STAGE, ENOENT, "the object has no function %s",
			       choice->function->name);
	while (fb_choice_counts(&attachments->choices, choice)) {
		attachment->hook = &choice->options[choice->next].hook;
		if (!fb_hook_prepare(attachment, problem))
			return add(attachments, attachment, problem);
		error = fb_choice_give_up(&attachments->choices, choice, problem);
		if (error)
			return error;
	}
	return 0;
}

/* Those that stand in for others come last: then it is known whether they count. */
static int plan_choices(struct fb_attachments *attachments, struct bpf_object *object,
			const struct fb_options *options, struct fb_problem *problem)
{
	int error = 0;

	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; !error && i < attachments->choices.count; i++) {
			struct fb_choice *choice = &attachments->choices.items[i];
			struct fb_attachment attachment = {.object = object, .options = options};

			if (!choice->unless == !round)
				error = plan_choice(attachments, choice, &attachment, problem);
		}
	}
	return error;
}

static void load_only_planned(struct bpf_object *object, const struct fb_attachments *attachments)
{
	struct bpf_program *program;

	bpf_object__for_each_program (program, object) {
		bool planned = false;

		for (size_t i = 0; i < attachments->count; i++)
			planned |= attachments->items[i].program == program;
		bpf_program__set_autoload(program, planned);
	}
}

int fb_attachments_plan(struct fb_attachments *attachments, struct bpf_object *object,
			const struct fb_program *program, const struct fb_options *options,
			struct fb_problem *problem)
{
	int error = 0;

	if (!attachments->choices.count) {
		error = fb_choices_make(&attachments->choices, program, &options->attach, problem);
		if (!error)
			error = check_choices(&attachments->choices, problem);
	}
	if (!error)
		error = plan_choices(attachments, object, options, problem);
	if (error)
		return error;
	load_only_planned(object, attachments);
	return fb_called_plan(attachments, object, program, &options->attach, problem);
}

/* What may fail goes first: as little as can be has to be attached a second time. */
int fb_attachments_attach(struct fb_attachments *attachments, struct fb_problem *problem)
{
	int error = 0;

	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; !error && i < attachments->count; i++) {
			struct fb_attachment *item = &attachments->items[i];

			if (fb_choice_has_other(&attachments->choices, item->choice) == !round)
				error = fb_hook_attach(item, problem);
		}
	}
	return error;
}

/* An attachment failed, or, where the problem names no hook of ours, the load of a function. */
int fb_attachments_give_up(struct fb_attachments *attachments, struct fb_problem *problem)
{
	struct fb_problem found = *problem;
	bool gave_up = false;

	for (size_t i = 0; i < attachments->count; i++) {
		const struct fb_attachment *item = &attachments->items[i];

		if (strcmp(item->function->name, found.function) != 0 ||
		    (!strcmp(found.stage, STAGE) && strcmp(item->hook->text, found.hook) != 0))
			continue;
		if (gave_up) /* the load concerns all hooks of a function */
			fb_fail(problem, found.stage, found.error, "%s", found.message);
		if (fb_choice_give_up(&attachments->choices, item->choice, problem))
			return -EINVAL;
		gave_up = true;
	}
	return gave_up ? 0 : -ENOENT;
}

int fb_attachments_clean(const struct fb_program *program, const struct fb_options *options,
			 struct fb_problem *problem)
{
	struct fb_choices choices = {};
	int error = fb_choices_make(&choices, program, &options->attach, problem);

	for (size_t i = 0; !error && i < choices.count; i++)
		for (size_t j = 0; j < choices.items[i].count; j++) {
			const struct fb_hook *hook = &choices.items[i].options[j].hook;

			if (hook->kind && hook->kind->attach == fb_tc_or_tcx_attach)
				fb_tc_clean_up(hook, choices.items[i].function->name, options);
		}
	fb_choices_free(&choices);
	return error;
}

size_t fb_attachments_replaced(const struct fb_attachments *attachments)
{
	size_t count = 0;

	for (size_t i = 0; i < attachments->count; i++)
		count += fb_links_replaced(&attachments->items[i].links);
	return count;
}

void fb_attachments_settle(struct fb_attachments *attachments)
{
	for (size_t i = 0; i < attachments->count; i++)
		fb_links_settle(&attachments->items[i].links);
}

void fb_attachments_json(const struct fb_attachments *attachments, struct fb_text *out)
{
	fb_text_puts(out, "[");
	for (size_t i = 0; i < attachments->count; i++) {
		fb_text_puts(out, i ? ",{\"function\":" : "{\"function\":");
		fb_text_quote_string(out, attachments->items[i].function->name);
		fb_text_puts(out, ",\"hook\":");
		fb_text_quote_string(out, attachments->items[i].hook->text);
		fb_choice_passed_json(&attachments->choices, attachments->items[i].choice, out);
		fb_text_puts(out, "}");
	}
	fb_text_puts(out, "]");
}

unsigned int fb_attachments_duties(const struct fb_attachments *attachments)
{
	unsigned int duties = 0;

	for (size_t i = 0; i < attachments->count; i++) {
		const struct fb_links *links = &attachments->items[i].links;

		if (fb_is_iter(&attachments->items[i]))
			duties |= FB_CALL_BPF;
		if (links->count && links->items[0].holder == FB_LINK_FILTER)
			duties |= FB_REMOVE_FILTERS;
	}
	return duties;
}

/*
 * Newer kernels run functions of raw tracepoints and of system calls' with preemption on: seen on
 * 7.3 by the depth in their trace lines, not on 6.12. Where it begins, at 7.0 or some later
 * release, is not known better; to take it for so costs doubles at most.
 */
static enum fb_watch watch_of_tracepoint(const struct fb_hook *hook)
{
	bool raw = hook->kind->program_type != BPF_PROG_TYPE_TRACEPOINT;
	bool call = !strcmp(hook->place, "syscalls") || !strcmp(hook->place, "raw_syscalls");

	if (fb_kernel_before(FB_KERNEL(7, 0)) || !(raw || call))
		return FB_WATCH_STEADY;
	return FB_WATCH_BESIDE;
}

static enum fb_watch watch_of(const struct fb_hook *hook)
{
	const struct fb_hook_kind *kind = hook->kind;

	if (!kind || kind->flags & BPF_F_SLEEPABLE)
		return FB_WATCH_ALONE;
	switch (kind->program_type) {
	case BPF_PROG_TYPE_TRACEPOINT:
	case BPF_PROG_TYPE_RAW_TRACEPOINT:
		return watch_of_tracepoint(hook);
	case BPF_PROG_TYPE_PERF_EVENT:
		return FB_WATCH_STEADY;
	case BPF_PROG_TYPE_KPROBE:
		return kind->prepare == fb_kprobe_prepare ? FB_WATCH_STEADY : FB_WATCH_BESIDE;
	case BPF_PROG_TYPE_TRACING:
		if (kind->attach_type == BPF_MODIFY_RETURN)
			return FB_WATCH_ALONE;
		if (kind->attach_type == BPF_TRACE_RAW_TP)
			return watch_of_tracepoint(hook);
		return FB_WATCH_BESIDE;
	default: /* those that decide, or that take a place */
		return FB_WATCH_ALONE;
	}
}

enum fb_watch fb_attachments_watch(const struct fb_attachments *attachments)
{
	enum fb_watch least = FB_WATCH_STEADY;

	for (size_t i = 0; i < attachments->count; i++) {
		enum fb_watch found = watch_of(attachments->items[i].hook);

		least = found < least ? found : least;
	}
	return least;
}

void fb_attachments_detach(struct fb_attachments *attachments)
{
	for (size_t i = 0; i < attachments->count; i++)
		fb_links_free(&attachments->items[i].links);
	free(attachments->items);
	attachments->items = NULL;
	attachments->count = 0;
}

void fb_attachments_free(struct fb_attachments *attachments)
{
	fb_attachments_detach(attachments);
	fb_choices_free(&attachments->choices);
}
