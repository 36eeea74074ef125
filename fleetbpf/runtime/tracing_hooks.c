// SPDX-License-Identifier: Apache-2.0
#include "tracing_hooks.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "files.h"
#include "functions.h"
#include "tracefs.h"

#define BTF "/sys/kernel/btf/vmlinux"
#define MODULES "/sys/kernel/security/lsm"

int fb_tracepoint_prepare(const struct fb_attachment *attachment, struct fb_problem *problem)
{
	const struct fb_hook *hook = attachment->hook;
	const char *tracefs = fb_tracefs();
	char path[PATH_MAX];

	if (!tracefs) {
		fb_hint(problem, "mount -t tracefs tracefs /sys/kernel/tracing");
		return fb_hook_fail(attachment, ENOENT,
				    "tracefs is not mounted at /sys/kernel/tracing", problem);
	}
	if (snprintf(path, sizeof(path), "%s/events/%s/%s/id", tracefs, hook->place, hook->name) >=
	    (int)sizeof(path))
		return fb_hook_fail(attachment, ENAMETOOLONG, "its name is too long", problem);
	if (!access(path, F_OK))
		return 0;
	fb_hint(problem, "%s/events lists the tracepoints of this kernel", tracefs);
	return fb_hook_fail(attachment, ENOENT, "it has no such tracepoint", problem);
}

static const char *lacking_type(enum bpf_attach_type type)
{
	switch (type) {
	case BPF_TRACE_RAW_TP:
		return "its BTF has no such tracepoint";
	case BPF_TRACE_ITER:
		return "its BTF has no such iterator";
	case BPF_LSM_MAC:
	case BPF_LSM_CGROUP:
		return "it has no such hook for security modules, or was built without "
		       "CONFIG_BPF_LSM";
	default:
		return "its BTF has no such function (inlined, renamed, or in a module that is not "
		       "loaded)";
	}
}

int fb_typed_prepare(const struct fb_attachment *attachment, struct fb_problem *problem)
{
	int error;

	if (access(BTF, R_OK)) {
		fb_hint(problem, "this hook needs a kernel with CONFIG_DEBUG_INFO_BTF=y");
		return fb_hook_fail(attachment, ENOENT, "it has no BTF (" BTF ")", problem);
	}
	error = bpf_program__set_attach_target(attachment->program, 0, attachment->hook->name);
	if (!error)
		return 0;
	return fb_hook_fail(attachment, -error, lacking_type(attachment->hook->kind->attach_type),
			    problem);
}

/* The names of the security modules that run, from a securityfs that nobody needs to mount. */
static int read_modules(struct fb_text *modules)
{
	char path[64];
	int error = fb_file_read(MODULES, modules);
	int system, mount;

	if (error != -ENOENT)
		return error;
	system = fsopen("securityfs", FSOPEN_CLOEXEC);
	if (system < 0)
		return -errno;
	error = fsconfig(system, FSCONFIG_CMD_CREATE, NULL, NULL, 0) ? -errno : 0;
	mount = error ? -1 : fsmount(system, FSMOUNT_CLOEXEC, 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d/lsm", mount);
	if (mount >= 0) {
		error = fb_file_read(path, modules);
		close(mount);
	}
	close(system);
	return error;
}

/* A kernel that was not booted with the module "bpf" attaches the function, but never calls it. */
int fb_lsm_prepare(const struct fb_attachment *attachment, struct fb_problem *problem)
{
	struct fb_text modules = {};
	/* Where it cannot be read nobody can tell. */
	bool runs = read_modules(&modules) || !modules.bytes || strstr(modules.bytes, "bpf");

	fb_text_free(&modules);
	if (runs)
		return fb_typed_prepare(attachment, problem);
	fb_hint(problem, "boot it with lsm=…,bpf: the modules in " MODULES " and then bpf");
	return fb_hook_fail(attachment, EOPNOTSUPP, "its security module \"bpf\" is off", problem);
}

int fb_kprobe_prepare(const struct fb_attachment *attachment, struct fb_problem *problem)
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
	return fb_hook_fail(attachment, ENOENT, "it was built without kprobes", problem);
}

int fb_uprobe_prepare(const struct fb_attachment *attachment, struct fb_problem *problem)
{
	const struct fb_hook *hook = attachment->hook;
	char process[32];

	snprintf(process, sizeof(process), "/proc/%d", hook->pid);
	if (hook->pid > 0 && access(process, F_OK))
		return fb_attach_fail(problem, attachment->function->name, hook->text, ESRCH,
				      "it has no process %d", hook->pid);
	if (hook->place[0] != '/' || !access(hook->place, R_OK))
		return 0;
	return fb_attach_fail(problem, attachment->function->name, hook->text, errno, "%s: %s",
			      hook->place, strerror(errno));
}

int fb_tracepoint_attach(struct fb_attachment *attachment)
{
	const struct fb_hook *hook = attachment->hook;

	return fb_links_keep(
		&attachment->links,
		bpf_program__attach_tracepoint(attachment->program, hook->place, hook->name));
}

int fb_raw_tp_attach(struct fb_attachment *attachment)
{
	return fb_links_keep(
		&attachment->links,
		bpf_program__attach_raw_tracepoint(attachment->program, attachment->hook->name));
}

int fb_typed_attach(struct fb_attachment *attachment)
{
	return fb_links_keep(&attachment->links, bpf_program__attach_trace(attachment->program));
}

int fb_lsm_attach(struct fb_attachment *attachment)
{
	return fb_links_keep(&attachment->links, bpf_program__attach_lsm(attachment->program));
}

int fb_kprobe_attach(struct fb_attachment *attachment)
{
	const struct fb_hook *hook = attachment->hook;
	LIBBPF_OPTS(bpf_kprobe_opts, options, .retprobe = hook->kind->returns,
		    .offset = hook->offset);

	return fb_links_keep(
		&attachment->links,
		bpf_program__attach_kprobe_opts(attachment->program, hook->name, &options));
}

int fb_kprobe_multi_attach(struct fb_attachment *attachment)
{
	const struct fb_hook *hook = attachment->hook;
	LIBBPF_OPTS(bpf_kprobe_multi_opts, options, .retprobe = hook->kind->returns);
	const char *tracefs = fb_tracefs();
	struct fb_functions functions = {};
	char available[PATH_MAX];
	int error;

	snprintf(available, sizeof(available), "%s/available_filter_functions",
		 tracefs ? tracefs : "/sys/kernel/tracing");
	error = fb_functions_find(&functions, hook->name, available, "/proc/kallsyms");
	options.addrs = functions.addresses;
	options.cnt = functions.count;
	if (!error)
		error = fb_links_keep(
			&attachment->links,
			bpf_program__attach_kprobe_multi_opts(attachment->program, NULL, &options));
	fb_functions_free(&functions);
	return error;
}

int fb_ksyscall_attach(struct fb_attachment *attachment)
{
	const struct fb_hook *hook = attachment->hook;
	LIBBPF_OPTS(bpf_ksyscall_opts, options, .retprobe = hook->kind->returns);

	return fb_links_keep(
		&attachment->links,
		bpf_program__attach_ksyscall(attachment->program, hook->name, &options));
}

int fb_uprobe_attach(struct fb_attachment *attachment)
{
	const struct fb_hook *hook = attachment->hook;
	LIBBPF_OPTS(bpf_uprobe_opts, options, .retprobe = hook->kind->returns,
		    .func_name = hook->name[0] ? hook->name : NULL);

	return fb_links_keep(&attachment->links,
			     bpf_program__attach_uprobe_opts(attachment->program, hook->pid,
							     hook->place, hook->offset, &options));
}

int fb_usdt_attach(struct fb_attachment *attachment)
{
	const struct fb_hook *hook = attachment->hook;

	return fb_links_keep(&attachment->links,
			     bpf_program__attach_usdt(attachment->program, hook->pid, hook->place,
						      hook->provider, hook->name, NULL));
}
