// SPDX-License-Identifier: Apache-2.0
#include "attach/kernel_hooks.h"

#include <errno.h>
#include <string.h>

#include "attach/hook_reasons.h"
#include "attach/tracing_hooks.h"

static bool is_usdt(const struct fb_hook_kind *kind)
{
	return kind && kind->parse == fb_parse_usdt;
}

bool fb_hooks_share(const struct fb_hook_kind *one, const struct fb_hook_kind *other)
{
	if (!one || !other)
		return one == other;
	return !one->typed && !other->typed && is_usdt(one) == is_usdt(other) &&
	       one->program_type == other->program_type && one->attach_type == other->attach_type &&
	       one->flags == other->flags;
}

bool fb_hook_fits(const struct fb_hook_kind *section, const struct fb_hook_kind *kind)
{
	/* libbpf looks such a section's target up at load, whatever type was set since. */
	if (section && section->typed && !kind->typed)
		return false;
	/* libbpf >= 1.3 loads what is in a USDT section, and only that, for uprobe_multi. */
	return is_usdt(section) == is_usdt(kind);
}

int fb_hook_prepare(struct fb_attachment *attachment, struct fb_problem *problem)
{
	const struct fb_hook_kind *kind = attachment->hook->kind;
	struct bpf_program *program = attachment->program;
	int error;

	if (!kind)
		return 0;
	error = bpf_program__set_type(program, kind->program_type);
	if (!error)
		error = bpf_program__set_expected_attach_type(program, kind->attach_type);
	if (!error && kind->flags)
		error = bpf_program__set_flags(program, bpf_program__flags(program) | kind->flags);
	if (error)
		return fb_hook_fail(attachment, -error, fb_error_text(-error), problem);
	return kind->prepare ? kind->prepare(attachment, problem) : 0;
}

int fb_hook_attach(struct fb_attachment *attachment, struct fb_problem *problem)
{
	const struct fb_hook_kind *kind = attachment->hook->kind;
	int error;

	errno = 0;
	error = kind ? kind->attach(attachment)
		     : fb_links_keep(&attachment->links, bpf_program__attach(attachment->program));
	if (!error)
		return 0;
	return fb_hook_fail(attachment, -error, fb_hook_reason(kind, -error), problem);
}
