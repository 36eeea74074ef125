// SPDX-License-Identifier: Apache-2.0
#include "attach/tracing_hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attach/elf_symbols.h"
#include "attach/functions.h"
#include "base/files.h"
#include "trace/tracefs.h"

#define BTF "/sys/kernel/btf/vmlinux"
#ifdef __aarch64__
#define LIBRARIES "/usr/lib64:/usr/lib:/lib/aarch64-linux-gnu:/usr/lib/aarch64-linux-gnu"
#else
#define LIBRARIES "/usr/lib64:/usr/lib:/lib/x86_64-linux-gnu:/usr/lib/x86_64-linux-gnu"
#endif
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
	const char *tracefs;
	char path[PATH_MAX];

	if (!access("/sys/bus/event_source/devices/kprobe", F_OK))
		return 0;
	tracefs = fb_tracefs();
	snprintf(path, sizeof(path), "%s/kprobe_events", tracefs ? tracefs : "/sys/kernel/tracing");
	if (!access(path, F_OK))
		return 0;
	fb_hint(problem,
		"use a tracepoint or fentry hook, or a kernel with CONFIG_KPROBE_EVENTS=y");
	return fb_hook_fail(attachment, ENOENT, "it was built without kprobes", problem);
}

/* The file of a uprobe, open, by the path of its descriptor. */
struct traced {
	int fd;
	char path[PATH_MAX];
};

static bool is_regular(int fd)
{
	struct stat status;

	return !fstat(fd, &status) && S_ISREG(status.st_mode);
}

/* A library or a program by its name alone, where libbpf looks for it. */
static bool find_file(const char *name, char path[PATH_MAX])
{
	bool library = strstr(name, ".so");
	const char *given = getenv(library ? "LD_LIBRARY_PATH" : "PATH");
	const char *lists[] = {given, library ? LIBRARIES : "/usr/bin:/usr/sbin"};

	for (size_t i = 0; i < 2; i++)
		for (const char *at = lists[i]; at && *at; at += *at == ':') {
			size_t length = strcspn(at, ":");

			snprintf(path, PATH_MAX, "%.*s/%s", (int)length, at, name);
			if (path[0] == '/' && !access(path, library ? R_OK : R_OK | X_OK))
				return true;
			at += length;
		}
	return false;
}

/*
 * Its owner may put something else there at any moment, and to open a FIFO is to wait. So it is
 * opened here, without waiting, and libbpf and the kernel get the file that was looked at.
 */
static int open_traced(const struct fb_hook *hook, struct traced *place)
{
	place->fd = -1;
	snprintf(place->path, sizeof(place->path), "%s", hook->place);
	if (hook->place[0] != '/' && !find_file(hook->place, place->path))
		return -ENOENT;
	place->fd = open(place->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (place->fd < 0)
		return -errno;
	if (!is_regular(place->fd)) {
		close(place->fd);
		return -ENOEXEC;
	}
	snprintf(place->path, sizeof(place->path), "/proc/self/fd/%d", place->fd);
	return 0;
}

static void close_traced(const struct traced *place)
{
	close(place->fd);
}

int fb_uprobe_prepare(const struct fb_attachment *attachment, struct fb_problem *problem)
{
	const struct fb_hook *hook = attachment->hook;
	struct traced place;
	char process[32];
	int error;

	snprintf(process, sizeof(process), "/proc/%d", hook->pid);
	if (hook->pid > 0 && access(process, F_OK))
		return fb_attach_fail(problem, attachment->function->name, hook->text, ESRCH,
				      "it has no process %d", hook->pid);
	error = open_traced(hook, &place);
	if (!error) {
		close_traced(&place);
		return 0;
	}
	fb_hint(problem, "want a program or a library that is a file");
	return fb_attach_fail(problem, attachment->function->name, hook->text, -error, "%s: %s",
			      hook->place,
			      error == -ENOEXEC ? "no regular file" : strerror(-error));
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
	LIBBPF_OPTS(bpf_uprobe_opts, options, .retprobe = hook->kind->returns);
	size_t begin = 0;
	struct traced place;
	int error = open_traced(hook, &place);

	if (error)
		return error;
	/* libbpf does not know versions of symbols. */
	if (hook->name[0])
		error = fb_elf_find_function(place.fd, hook->name, &begin);
	if (!error)
		error = fb_links_keep(
			&attachment->links,
			bpf_program__attach_uprobe_opts(attachment->program, hook->pid, place.path,
							begin + hook->offset, &options));
	close_traced(&place);
	return error;
}

int fb_usdt_attach(struct fb_attachment *attachment)
{
	const struct fb_hook *hook = attachment->hook;
	struct traced place;
	int error = open_traced(hook, &place);
	const char *path = place.path;

	if (error)
		return error;
	/* Before cookies libbpf compares it with the mappings of a process in a root of its own. */
	if (fb_kernel_before(FB_KERNEL(5, 15)) && !strncmp(hook->place, "/proc/", 6))
		path = hook->place;
	error = fb_links_keep(&attachment->links,
			      bpf_program__attach_usdt(attachment->program, hook->pid, path,
						       hook->provider, hook->name, NULL));
	close_traced(&place);
	return error;
}
