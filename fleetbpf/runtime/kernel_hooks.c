// SPDX-License-Identifier: Apache-2.0
#include "kernel_hooks.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "functions.h"
#include "hook_reasons.h"
#include "perf_event.h"
#include "tracefs.h"

#define BTF "/sys/kernel/btf/vmlinux"

static enum bpf_prog_type program_type(enum fb_hook_kind kind)
{
	switch (kind) {
	case FB_HOOK_TRACEPOINT:
		return BPF_PROG_TYPE_TRACEPOINT;
	case FB_HOOK_RAW_TP:
		return BPF_PROG_TYPE_RAW_TRACEPOINT;
	case FB_HOOK_RAW_TP_WRITABLE:
		return BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE;
	case FB_HOOK_TP_BTF:
	case FB_HOOK_FENTRY:
	case FB_HOOK_FEXIT:
		return BPF_PROG_TYPE_TRACING;
	case FB_HOOK_KPROBE:
	case FB_HOOK_KRETPROBE:
	case FB_HOOK_KPROBE_MULTI:
	case FB_HOOK_KRETPROBE_MULTI:
	case FB_HOOK_KSYSCALL:
	case FB_HOOK_KRETSYSCALL:
	case FB_HOOK_UPROBE:
	case FB_HOOK_URETPROBE:
	case FB_HOOK_USDT:
		return BPF_PROG_TYPE_KPROBE;
	case FB_HOOK_PERF_EVENT:
		return BPF_PROG_TYPE_PERF_EVENT;
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
	case FB_HOOK_KPROBE_MULTI:
	case FB_HOOK_KRETPROBE_MULTI:
		return BPF_TRACE_KPROBE_MULTI;
	default:
		return 0;
	}
}

bool fb_hooks_share(enum fb_hook_kind one, enum fb_hook_kind other)
{
	return !fb_hook_is_typed(one) && !fb_hook_is_typed(other) &&
	       (one == FB_HOOK_USDT) == (other == FB_HOOK_USDT) &&
	       program_type(one) == program_type(other) && attach_type(one) == attach_type(other);
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

static int prepare_perf_event(const struct fb_attachment *attachment, struct fb_problem *problem)
{
	const char *name = attachment->hook.name;
	struct fb_text names = {};

	if (fb_perf_event_known(name))
		return 0;
	fb_perf_event_names(&names);
	fb_hint(problem, "known:%s", names.used ? names.bytes : "");
	fb_text_free(&names);
	return fb_attach_fail(problem, attachment->function->name, attachment->hook.text, EINVAL,
			      "%s is no event that the loader knows", name);
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
	case FB_HOOK_KSYSCALL:
	case FB_HOOK_KRETSYSCALL:
		return prepare_kprobe(attachment, problem);
	case FB_HOOK_UPROBE:
	case FB_HOOK_URETPROBE:
	case FB_HOOK_USDT:
		return prepare_uprobe(attachment, problem);
	case FB_HOOK_PERF_EVENT:
		return prepare_perf_event(attachment, problem);
	case FB_HOOK_KPROBE_MULTI:
	case FB_HOOK_KRETPROBE_MULTI:
	case FB_HOOK_RAW_TP:
	case FB_HOOK_RAW_TP_WRITABLE:
	case FB_HOOK_OTHER:
		break;
	}
	return 0;
}

/* Whether a function compiled for one kind of section can go to a hook of this kind. */
static bool fits(enum fb_hook_kind section, enum fb_hook_kind kind)
{
	/* libbpf looks such a section's target up at load, whatever type was set since. */
	if (fb_hook_is_typed(section) && !fb_hook_is_typed(kind))
		return false;
	/* libbpf >= 1.3 loads what is in a USDT section, and only that, for uprobe_multi. */
	return (section == FB_HOOK_USDT) == (kind == FB_HOOK_USDT);
}

int fb_hook_prepare(struct fb_attachment *attachment, struct fb_problem *problem)
{
	enum fb_hook_kind kind = attachment->hook.kind;
	const char *section = attachment->function->section;
	int error;

	if (kind == FB_HOOK_OTHER)
		return 0;
	section += section[0] == '?';
	if (!fits(fb_hook_kind(section), kind))
		return fb_attach_fail(problem, attachment->function->name, attachment->hook.text,
				      EINVAL,
				      "it was compiled for \"%s\", which passes other "
				      "arguments",
				      section);
	error = bpf_program__set_type(attachment->program, program_type(kind));
	if (!error)
		error = bpf_program__set_expected_attach_type(attachment->program,
							      attach_type(kind));
	if (error)
		return fail(attachment, -error, strerror(-error), problem);
	return check_kernel(attachment, problem);
}

static struct bpf_link *attach_ksyscall(const struct fb_attachment *attachment)
{
	LIBBPF_OPTS(bpf_ksyscall_opts, options);

	options.retprobe = attachment->hook.kind == FB_HOOK_KRETSYSCALL;
	return bpf_program__attach_ksyscall(attachment->program, attachment->hook.name, &options);
}

static struct bpf_link *attach_kprobe_multi(const struct fb_attachment *attachment)
{
	LIBBPF_OPTS(bpf_kprobe_multi_opts, options);
	struct fb_functions functions = {};
	struct bpf_link *link = NULL;
	char available[PATH_MAX];
	int error;

	snprintf(available, sizeof(available), "%s/available_filter_functions",
		 fb_tracefs() ? fb_tracefs() : "/sys/kernel/tracing");
	error = fb_functions_find(&functions, attachment->hook.name, available, "/proc/kallsyms");
	options.addrs = functions.addresses;
	options.cnt = functions.count;
	options.retprobe = attachment->hook.kind == FB_HOOK_KRETPROBE_MULTI;
	if (!error) {
		link = bpf_program__attach_kprobe_multi_opts(attachment->program, NULL, &options);
		error = link ? 0 : -errno;
	}
	fb_functions_free(&functions);
	errno = -error;
	return link;
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

static struct bpf_link *attach_usdt(const struct fb_attachment *attachment)
{
	const struct fb_hook *hook = &attachment->hook;

	return bpf_program__attach_usdt(attachment->program, -1, hook->place, hook->provider,
					hook->name, NULL);
}

static struct bpf_link *attach(const struct fb_attachment *attachment)
{
	const struct fb_hook *hook = &attachment->hook;

	switch (hook->kind) {
	case FB_HOOK_TRACEPOINT:
		return bpf_program__attach_tracepoint(attachment->program, hook->place, hook->name);
	case FB_HOOK_RAW_TP:
	case FB_HOOK_RAW_TP_WRITABLE:
		return bpf_program__attach_raw_tracepoint(attachment->program, hook->name);
	case FB_HOOK_TP_BTF:
	case FB_HOOK_FENTRY:
	case FB_HOOK_FEXIT:
		return bpf_program__attach_trace(attachment->program);
	case FB_HOOK_KPROBE:
	case FB_HOOK_KRETPROBE:
		return attach_kprobe(attachment);
	case FB_HOOK_KPROBE_MULTI:
	case FB_HOOK_KRETPROBE_MULTI:
		return attach_kprobe_multi(attachment);
	case FB_HOOK_KSYSCALL:
	case FB_HOOK_KRETSYSCALL:
		return attach_ksyscall(attachment);
	case FB_HOOK_UPROBE:
	case FB_HOOK_URETPROBE:
		return attach_uprobe(attachment);
	case FB_HOOK_USDT:
		return attach_usdt(attachment);
	case FB_HOOK_PERF_EVENT: /* a link for each CPU: fb_perf_event_attach */
	case FB_HOOK_OTHER:
		break;
	}
	return bpf_program__attach(attachment->program);
}

static int attach_one(struct fb_attachment *attachment)
{
	attachment->links = calloc(1, sizeof(struct bpf_link *));
	if (!attachment->links)
		return -ENOMEM;
	errno = 0;
	attachment->links[0] = attach(attachment);
	if (!attachment->links[0])
		return errno ? -errno : -EINVAL;
	attachment->link_count = 1;
	return 0;
}

int fb_hook_attach(struct fb_attachment *attachment, struct fb_problem *problem)
{
	enum fb_hook_kind kind = attachment->hook.kind;
	int error = kind == FB_HOOK_PERF_EVENT ? fb_perf_event_attach(attachment)
					       : attach_one(attachment);

	return error ? fail(attachment, -error, fb_hook_reason(kind, -error), problem) : 0;
}
