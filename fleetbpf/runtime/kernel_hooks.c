// SPDX-License-Identifier: Apache-2.0
#include "kernel_hooks.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tracefs.h"

#define BTF "/sys/kernel/btf/vmlinux"

enum bpf_prog_type fb_hook_program_type(enum fb_hook_kind kind)
{
	switch (kind) {
	case FB_HOOK_TRACEPOINT:
		return BPF_PROG_TYPE_TRACEPOINT;
	case FB_HOOK_RAW_TP:
		return BPF_PROG_TYPE_RAW_TRACEPOINT;
	case FB_HOOK_TP_BTF:
	case FB_HOOK_FENTRY:
	case FB_HOOK_FEXIT:
		return BPF_PROG_TYPE_TRACING;
	case FB_HOOK_KPROBE:
	case FB_HOOK_KRETPROBE:
	case FB_HOOK_UPROBE:
	case FB_HOOK_URETPROBE:
		return BPF_PROG_TYPE_KPROBE;
	case FB_HOOK_OTHER:
		break;
	}
	return BPF_PROG_TYPE_UNSPEC;
}

static enum bpf_attach_type attach_type(enum fb_hook_kind kind)
{
	switch (kind) {
	case FB_HOOK_TP_BTF:
		return BPF_TRACE_RAW_TP;
	case FB_HOOK_FENTRY:
		return BPF_TRACE_FENTRY;
	case FB_HOOK_FEXIT:
		return BPF_TRACE_FEXIT;
	default:
		return 0;
	}
}

static int fail(const struct fb_attachment *attachment, int error, const char *reason,
		struct fb_problem *problem)
{
	return fb_attach_fail(problem, attachment->function->name, attachment->hook.text, error,
			      "%s", reason);
}

static int prepare_tracepoint(const struct fb_attachment *attachment, struct fb_problem *problem)
{
	const struct fb_hook *hook = &attachment->hook;
	const char *tracefs = fb_tracefs();
	char path[PATH_MAX];

	if (!tracefs) {
		fb_hint(problem, "mount -t tracefs tracefs /sys/kernel/tracing");
		return fail(attachment, ENOENT, "tracefs is not mounted at /sys/kernel/tracing",
			    problem);
	}
	if (snprintf(path, sizeof(path), "%s/events/%s/%s/id", tracefs, hook->place, hook->name) >=
	    (int)sizeof(path))
		return fail(attachment, ENAMETOOLONG, "its name is too long", problem);
	if (!access(path, F_OK))
		return 0;
	fb_hint(problem, "%s/events lists the tracepoints of this kernel", tracefs);
	return fail(attachment, ENOENT, "it has no such tracepoint", problem);
}

static int prepare_typed(const struct fb_attachment *attachment, struct fb_problem *problem)
{
	int error;

	if (access(BTF, R_OK)) {
		fb_hint(problem, "this hook needs a kernel with CONFIG_DEBUG_INFO_BTF=y");
		return fail(attachment, ENOENT, "it has no BTF (" BTF ")", problem);
	}
	error = bpf_program__set_attach_target(attachment->program, 0, attachment->hook.name);
	if (!error)
		return 0;
	return fail(
		attachment, -error,
		attachment->hook.kind == FB_HOOK_TP_BTF
			? "its BTF has no such tracepoint"
			: "its BTF has no such function (inlined, renamed, or in a module that is "
			  "not loaded)",
		problem);
}

static int prepare_kprobe(const struct fb_attachment *attachment, struct fb_problem *problem)
{
	const char *tracefs = fb_tracefs();
	char path[PATH_MAX];

	if (!access("/sys/bus/event_source/devices/kprobe", F_OK))
		return 0;
	snprintf(path, sizeof(path), "%s/kprobe_events", tracefs ? tracefs : "/sys/kernel/tracing");
	if (!access(path, F_OK))
		return 0;
	fb_hint(problem,
		"use a tracepoint or fentry hook, or a kernel with CONFIG_KPROBE_EVENTS=y");
	return fail(attachment, ENOENT, "it was built without kprobes", problem);
}

static int prepare_uprobe(const struct fb_attachment *attachment, struct fb_problem *problem)
{
	const char *path = attachment->hook.place;

	if (path[0] != '/' || !access(path, R_OK))
		return 0;
	return fb_attach_fail(problem, attachment->function->name, attachment->hook.text, errno,
			      "%s: %s", path, strerror(errno));
}

static int check_kernel(const struct fb_attachment *attachment, struct fb_problem *problem)
{
	switch (attachment->hook.kind) {
	case FB_HOOK_TRACEPOINT:
		return prepare_tracepoint(attachment, problem);
	case FB_HOOK_TP_BTF:
	case FB_HOOK_FENTRY:
	case FB_HOOK_FEXIT:
		return prepare_typed(attachment, problem);
	case FB_HOOK_KPROBE:
	case FB_HOOK_KRETPROBE:
		return prepare_kprobe(attachment, problem);
	case FB_HOOK_UPROBE:
	case FB_HOOK_URETPROBE:
		return prepare_uprobe(attachment, problem);
	case FB_HOOK_RAW_TP:
	case FB_HOOK_OTHER:
		break;
	}
	return 0;
}

int fb_hook_prepare(struct fb_attachment *attachment, struct fb_problem *problem)
{
	enum fb_hook_kind kind = attachment->hook.kind;
	const char *section = attachment->function->section;
	int error;

	if (kind == FB_HOOK_OTHER)
		return 0;
	section += section[0] == '?';
	/* libbpf looks such a section's target up at load, whatever type was set since. */
	if (fb_hook_is_typed(fb_hook_kind(section)) && !fb_hook_is_typed(kind))
		return fb_attach_fail(problem, attachment->function->name, attachment->hook.text,
				      EINVAL,
				      "it was compiled for \"%s\", which passes other "
				      "arguments",
				      section);
	error = bpf_program__set_type(attachment->program, fb_hook_program_type(kind));
	if (!error)
		error = bpf_program__set_expected_attach_type(attachment->program,
							      attach_type(kind));
	if (error)
		return fail(attachment, -error, strerror(-error), problem);
	return check_kernel(attachment, problem);
}

static struct bpf_link *attach_kprobe(const struct fb_attachment *attachment)
{
	LIBBPF_OPTS(bpf_kprobe_opts, options);

	options.retprobe = attachment->hook.kind == FB_HOOK_KRETPROBE;
	options.offset = attachment->hook.offset;
	return bpf_program__attach_kprobe_opts(attachment->program, attachment->hook.name,
					       &options);
}

static struct bpf_link *attach_uprobe(const struct fb_attachment *attachment)
{
	const struct fb_hook *hook = &attachment->hook;
	LIBBPF_OPTS(bpf_uprobe_opts, options);

	options.retprobe = hook->kind == FB_HOOK_URETPROBE;
	options.func_name = hook->name[0] ? hook->name : NULL;
	return bpf_program__attach_uprobe_opts(attachment->program, -1, hook->place, hook->offset,
					       &options);
}

static struct bpf_link *attach(const struct fb_attachment *attachment)
{
	const struct fb_hook *hook = &attachment->hook;

	switch (hook->kind) {
	case FB_HOOK_TRACEPOINT:
		return bpf_program__attach_tracepoint(attachment->program, hook->place, hook->name);
	case FB_HOOK_RAW_TP:
		return bpf_program__attach_raw_tracepoint(attachment->program, hook->name);
	case FB_HOOK_TP_BTF:
	case FB_HOOK_FENTRY:
	case FB_HOOK_FEXIT:
		return bpf_program__attach_trace(attachment->program);
	case FB_HOOK_KPROBE:
	case FB_HOOK_KRETPROBE:
		return attach_kprobe(attachment);
	case FB_HOOK_UPROBE:
	case FB_HOOK_URETPROBE:
		return attach_uprobe(attachment);
	case FB_HOOK_OTHER:
		break;
	}
	return bpf_program__attach(attachment->program);
}

/* What an errno means at this hook, or NULL for what it always means. */
static const char *reason(enum fb_hook_kind kind, int error)
{
	if (error == EOPNOTSUPP && kind == FB_HOOK_OTHER)
		return "the loader cannot attach this kind of section by itself";
	if (error == EACCES && kind == FB_HOOK_TRACEPOINT)
		return "the function reads beyond this tracepoint's fields (see its format file)";
	if (error == ENOENT && kind == FB_HOOK_RAW_TP)
		return "it has no such raw tracepoint";
	if ((error == ENOENT || error == EADDRNOTAVAIL) &&
	    (kind == FB_HOOK_KPROBE || kind == FB_HOOK_KRETPROBE))
		return "it has no such function (inlined, renamed, or in a module that is not "
		       "loaded)";
	if (error == EINVAL && (kind == FB_HOOK_KPROBE || kind == FB_HOOK_KRETPROBE))
		return "this function or offset cannot be probed";
	if (error == ENOENT && (kind == FB_HOOK_UPROBE || kind == FB_HOOK_URETPROBE))
		return "the file has no such symbol";
	return NULL;
}

int fb_hook_attach(struct fb_attachment *attachment, struct fb_problem *problem)
{
	const char *why;
	int error;

	errno = 0;
	attachment->link = attach(attachment);
	if (attachment->link)
		return 0;
	error = errno ? errno : EINVAL;
	why = reason(attachment->hook.kind, error);
	return fail(attachment, error, why ? why : strerror(error), problem);
}
