// SPDX-License-Identifier: Apache-2.0
#include "attach/called.h"

#include <errno.h>
#include <string.h>

static bool is_wanted(const struct fb_function *function, const struct fb_requests *requests)
{
	bool wanted = function->held;

	for (size_t i = 0; !wanted && i < requests->count; i++)
		wanted = requests->items[i].load &&
			 !strcmp(requests->items[i].function, function->name);
	return wanted;
}

static bool is_alike(const struct bpf_program *one, const struct bpf_program *other)
{
	return bpf_program__type(one) == BPF_PROG_TYPE_UNSPEC ||
	       bpf_program__type(one) == bpf_program__type(other);
}

static bool same_place(const struct fb_attachment *one, const struct fb_attachment *other)
{
	const struct fb_hook_kind *kind = one->hook->kind;

	return bpf_program__expected_attach_type(one->program) ==
		       bpf_program__expected_attach_type(other->program) &&
	       (!kind || !kind->typed || !strcmp(one->hook->name, other->hook->name));
}

/* The attachment of what may call it; NULL where several differ, or it is attached itself. */
static const struct fb_attachment *caller_of(const struct bpf_program *program,
					     const struct fb_attachments *attachments)
{
	const struct fb_attachment *found = NULL;

	for (size_t i = 0; i < attachments->count; i++) {
		const struct fb_attachment *item = &attachments->items[i];

		if (item->program == program)
			return NULL;
		if (!is_alike(program, item->program))
			continue;
		if (found && !same_place(found, item))
			return NULL;
		found = item;
	}
	return found;
}

/* Where callers differ its own section says what it is. */
static int fit(struct bpf_program *program, const struct fb_attachment *caller)
{
	const struct fb_hook_kind *kind = caller ? caller->hook->kind : NULL;
	int error;

	if (!caller)
		return 0;
	error = bpf_program__set_type(program, bpf_program__type(caller->program));
	if (!error)
		error = bpf_program__set_expected_attach_type(
			program, bpf_program__expected_attach_type(caller->program));
	if (!error && kind && kind->typed)
		error = bpf_program__set_attach_target(program, 0, caller->hook->name);
	return error;
}

int fb_called_plan(const struct fb_attachments *attachments, struct bpf_object *object,
		   const struct fb_program *program, const struct fb_requests *requests,
		   struct fb_problem *problem)
{
	for (size_t i = 0; i < program->function_count; i++) {
		const char *name = program->functions[i].name;
		struct bpf_program *found = bpf_object__find_program_by_name(object, name);
		int error;

		if (!found || !is_wanted(&program->functions[i], requests))
			continue;
		bpf_program__set_autoload(found, true);
		error = fit(found, caller_of(found, attachments));
		if (!error)
			continue;
		fb_problem_at(problem, name, "");
		return fb_fail(problem, "load", -error, "cannot load %s as what calls it: %s", name,
			       fb_error_text(-error));
	}
	return 0;
}
