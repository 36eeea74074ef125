// SPDX-License-Identifier: Apache-2.0
#include "attach.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "kernel_hooks.h"

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

static int add(struct fb_attachments *attachments, struct bpf_object *object,
	       const struct fb_function *function, const char *text, struct fb_problem *problem)
{
	struct fb_attachment *items =
		realloc(attachments->items, (attachments->count + 1) * sizeof(*items));
	struct fb_attachment *item;
	int error = 0;

	if (!items)
		return fb_fail(problem, STAGE, ENOMEM, "out of memory");
	attachments->items = items;
	item = &items[attachments->count];
	memset(item, 0, sizeof(*item));
	item->function = function;
	item->program = bpf_object__find_program_by_name(object, function->name);
	if (!item->program)
		return fb_fail(problem, STAGE, ENOENT, "the object has no function %s",
			       function->name);
	if (text == function->section && fb_hook_kind(text) == FB_HOOK_OTHER)
		snprintf(item->hook.text, sizeof(item->hook.text), "%s", text);
	else
		error = fb_hook_parse(&item->hook, text, problem);
	if (error) {
		snprintf(problem->function, sizeof(problem->function), "%s", function->name);
		return error;
	}
	attachments->count++;
	return 0;
}

static int bare_section(const struct fb_function *function, struct fb_problem *problem)
{
	fb_problem_at(problem, function->name, "");
	fb_hint(problem, "--attach %s=%s/…, or hooks: in the manifest", function->name,
		function->section);
	return fb_fail(problem, STAGE, EINVAL,
		       "%s: its section \"%s\" does not say where to attach", function->name,
		       function->section);
}

/* The hooks of one function: those asked for, or else its own section. */
static int plan_function(struct fb_attachments *attachments, struct bpf_object *object,
			 const struct fb_function *function, const struct fb_pairs *attach,
			 struct fb_problem *problem)
{
	size_t before = attachments->count;
	int error = 0;

	for (size_t i = 0; !error && i < attach->count; i++)
		if (!strcmp(attach->items[i].name, function->name))
			error = add(attachments, object, function, attach->items[i].value, problem);
	/* libbpf: a section that begins with '?' is loaded only when asked for. */
	if (error || attachments->count > before || function->section[0] == '?')
		return error;
	if (fb_hook_is_bare(function->section))
		return bare_section(function, problem);
	return add(attachments, object, function, function->section, problem);
}

static int check_names(const struct fb_program *program, const struct fb_pairs *attach,
		       struct fb_problem *problem)
{
	for (size_t i = 0; i < attach->count; i++) {
		struct fb_text names = {};
		bool known = false;

		for (size_t j = 0; j < program->function_count; j++) {
			known |= !strcmp(program->functions[j].name, attach->items[i].name);
			fb_text_printf(&names, " %s", program->functions[j].name);
		}
		if (!known) {
			fb_problem_at(problem, attach->items[i].name, attach->items[i].value);
			fb_hint(problem, "its functions:%s", names.used ? names.bytes : " none");
		}
		fb_text_free(&names);
		if (!known)
			return fb_fail(problem, STAGE, ENOENT,
				       "--attach %s: %s has no such function",
				       attach->items[i].name, program->name);
	}
	return 0;
}

/* A function is loaded once: all its hooks must want it loaded in the same way. */
static int check_typed(const struct fb_attachments *attachments, struct fb_problem *problem)
{
	for (size_t i = 1; i < attachments->count; i++) {
		const struct fb_attachment *one = &attachments->items[i - 1];
		const struct fb_attachment *other = &attachments->items[i];

		if (one->function != other->function)
			continue;
		if (!fb_hooks_share(one->hook.kind, other->hook.kind))
			return fb_attach_fail(
				problem, one->function->name, other->hook.text, EINVAL,
				"it goes to %s already, and these two need a function "
				"each",
				one->hook.text);
	}
	return 0;
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
			const struct fb_program *program, const struct fb_pairs *attach,
			struct fb_problem *problem)
{
	int error = check_names(program, attach, problem);

	for (size_t i = 0; !error && i < program->function_count; i++)
		error = plan_function(attachments, object, &program->functions[i], attach, problem);
	if (!error)
		error = check_typed(attachments, problem);
	if (!error && !attachments->count)
		error = fb_fail(problem, STAGE, EINVAL, "there is no function to attach");
	for (size_t i = 0; !error && i < attachments->count; i++)
		error = fb_hook_prepare(&attachments->items[i], problem);
	if (!error)
		load_only_planned(object, attachments);
	return error;
}

int fb_attachments_attach(struct fb_attachments *attachments, struct fb_problem *problem)
{
	int error = 0;

	for (size_t i = 0; !error && i < attachments->count; i++)
		error = fb_hook_attach(&attachments->items[i], problem);
	return error;
}

void fb_attachments_json(const struct fb_attachments *attachments, struct fb_text *out)
{
	fb_text_puts(out, "[");
	for (size_t i = 0; i < attachments->count; i++) {
		fb_text_puts(out, i ? ",{\"function\":" : "{\"function\":");
		fb_text_quote_string(out, attachments->items[i].function->name);
		fb_text_puts(out, ",\"hook\":");
		fb_text_quote_string(out, attachments->items[i].hook.text);
		fb_text_puts(out, "}");
	}
	fb_text_puts(out, "]");
}

void fb_attachments_detach(struct fb_attachments *attachments)
{
	for (size_t i = 0; i < attachments->count; i++) {
		struct fb_attachment *attachment = &attachments->items[i];

		for (size_t j = 0; j < attachment->link_count; j++)
			bpf_link__destroy(attachment->links[j]);
		free(attachment->links);
		attachment->links = NULL;
		attachment->link_count = 0;
	}
}

void fb_attachments_free(struct fb_attachments *attachments)
{
	fb_attachments_detach(attachments);
	free(attachments->items);
	attachments->items = NULL;
	attachments->count = 0;
}
