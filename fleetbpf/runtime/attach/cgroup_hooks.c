// SPDX-License-Identifier: Apache-2.0
#include "attach/cgroup_hooks.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "attach/tracing_hooks.h"

/* Where version 2 is mounted; NULL: nowhere. */
static const char *mounted(char path[PATH_MAX])
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	const char *found = NULL;
	struct mntent *entry;

	while (mounts && !found && (entry = getmntent(mounts))) {
		if (strcmp(entry->mnt_type, "cgroup2") != 0)
			continue;
		snprintf(path, PATH_MAX, "%s", entry->mnt_dir);
		found = path;
	}
	if (mounts)
		endmntent(mounts);
	return found;
}

/* An absolute path is as it is; others begin where control groups are mounted. */
static int path_of(const struct fb_hook *hook, char path[PATH_MAX])
{
	char root[PATH_MAX];

	if (hook->place[0] == '/')
		return snprintf(path, PATH_MAX, "%s", hook->place) < PATH_MAX ? 0 : -ENAMETOOLONG;
	if (!mounted(root))
		return -ENODEV;
	return snprintf(path, PATH_MAX, "%s/%s", root, hook->place) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

int fb_cgroup_prepare(const struct fb_attachment *attachment, struct fb_problem *problem)
{
	const struct fb_hook *hook = attachment->hook;
	char path[PATH_MAX];
	int error = path_of(hook, path);

	if (error == -ENODEV) {
		fb_hint(problem, "mount -t cgroup2 none /sys/fs/cgroup");
		return fb_hook_fail(attachment, ENODEV, "no cgroup2 is mounted", problem);
	}
	if (!error && !access(path, R_OK))
		return 0;
	error = error ? -error : errno;
	return fb_attach_fail(problem, attachment->function->name, hook->text, error, "%s: %s",
			      path, fb_error_text(error));
}

int fb_cgroup_lsm_prepare(const struct fb_attachment *attachment, struct fb_problem *problem)
{
	int error = fb_lsm_prepare(attachment, problem);

	/* The load would only say EINVAL: the kernel's part of it has this function. */
	if (!error &&
	    libbpf_find_vmlinux_btf_id("bpf_trampoline_link_cgroup_shim", BPF_TRACE_FENTRY) < 0)
		return fb_hook_fail(attachment, EINVAL, "lsm_cgroup needs kernel 6.0", problem);
	return error ? error : fb_cgroup_prepare(attachment, problem);
}

int fb_cgroup_attach(struct fb_attachment *attachment)
{
	char path[PATH_MAX];
	int error = path_of(attachment->hook, path);
	int group = error ? error : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd;

	if (group < 0)
		return error ? error : -errno;
	/* Links join what is there: the release before goes on beside this one until it ends. */
	fd = bpf_link_create(bpf_program__fd(attachment->program), group,
			     attachment->hook->kind->attach_type, NULL);
	close(group);
	return fb_links_keep_fd(&attachment->links, fd);
}

const char *fb_cgroup_reason(int error)
{
	if (error == EBADF)
		return "this is not a folder of cgroup2";
	if (error == EPERM)
		return "a program is there, or above it, that was attached without room for others";
	return NULL;
}
