// SPDX-License-Identifier: Apache-2.0
#include "base/folders.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS 40 /* as the kernel follows */

struct walk {
	struct fb_way way;
	struct fb_problem *problem;
	int folder;	     /* where we are */
	char at[PATH_MAX];   /* the way there, for people */
	char rest[PATH_MAX]; /* what is still to go */
	unsigned int links;
};

static bool is_trusted(uid_t owner)
{
	return !owner || owner == geteuid();
}

static int refuse(const struct walk *walk, const struct stat *status, const char *what)
{
	const char *path = walk->at[0] ? walk->at : "/";

	fb_hint(walk->problem,
		"see who made it (ls -ld %s); then remove it, or have root own it and close it to "
		"others",
		path);
	if (is_trusted(status->st_uid) || walk->way.owner == FB_ANYONE)
		fb_fail(walk->problem, FB_FOLDERS, EPERM,
			"%s: others than its owner, user %u, may change this %s (mode %04o)", path,
			status->st_uid, what, status->st_mode & 07777);
	else
		fb_fail(walk->problem, FB_FOLDERS, EPERM,
			"%s: this %s belongs to user %u, not to root", path, what, status->st_uid);
	return -EPERM;
}

/* In a folder with the sticky bit others may add, but not exchange what is there. */
static int judge(const struct walk *walk, const struct stat *status)
{
	bool ours = walk->way.owner == FB_OURS;
	bool last = !walk->rest[strspn(walk->rest, "/")];
	bool sticky = status->st_mode & S_ISVTX && !(last && ours);

	if (ours && !is_trusted(status->st_uid))
		return refuse(walk, status, "folder");
	if (status->st_mode & (ours ? S_IWGRP | S_IWOTH : S_IWOTH) && !sticky)
		return refuse(walk, status, "folder");
	return 0;
}

static int enter(struct walk *walk, int folder)
{
	if (folder < 0)
		return -errno;
	close(walk->folder);
	walk->folder = folder;
	return 0;
}

/* Go on with where the link leads, from its own folder or from the root. */
static int follow(struct walk *walk, int link, const struct stat *status)
{
	char target[PATH_MAX], rest[PATH_MAX];
	ssize_t length;

	if (!is_trusted(status->st_uid)) {
		walk->way.owner = FB_OURS; /* a user's link is never followed */
		return refuse(walk, status, "link");
	}
	length = readlinkat(link, "", target, sizeof(target) - 1);
	if (length < 0)
		return -errno;
	target[length] = '\0';
	if (++walk->links > LINKS)
		return -ELOOP;
	if (snprintf(rest, sizeof(rest), "%s/%s", target, walk->rest) >= (int)sizeof(rest))
		return -ENAMETOOLONG;
	memcpy(walk->rest, rest, sizeof(rest));
	*strrchr(walk->at, '/') = '\0';
	if (target[0] != '/')
		return 0;
	walk->at[0] = '\0';
	return enter(walk, open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
}

/* Take the next name off the rest; false when there is none. */
static bool next_name(struct walk *walk, char name[NAME_MAX + 1], int *error)
{
	const char *start = walk->rest + strspn(walk->rest, "/");
	size_t length = strcspn(start, "/"), used = strlen(walk->at);

	*error = 0;
	if (!length)
		return false;
	if (length > NAME_MAX || used + length + 2 > sizeof(walk->at)) {
		*error = -ENAMETOOLONG;
		return false;
	}
	memcpy(name, start, length);
	name[length] = '\0';
	snprintf(walk->at + used, sizeof(walk->at) - used, "/%s", name);
	memmove(walk->rest, start + length, strlen(start + length) + 1);
	return true;
}

static int open_name(const struct walk *walk, const char *name)
{
	const int flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(walk->folder, name, flags);

	if (fd >= 0 || errno != ENOENT || !walk->way.make)
		return fd < 0 ? -errno : fd;
	/* Somebody may have been quicker: whose it is then, is judged. */
	if (mkdirat(walk->folder, name, 0700) && errno != EEXIST)
		return -errno;
	fd = openat(walk->folder, name, flags);
	return fd < 0 ? -errno : fd;
}

static int step(struct walk *walk, const char *name)
{
	struct stat status;
	int fd = open_name(walk, name), error;

	if (fd < 0)
		return fd;
	if (fstat(fd, &status))
		error = -errno;
	else if (S_ISLNK(status.st_mode))
		error = follow(walk, fd, &status);
	else
		error = S_ISDIR(status.st_mode) ? judge(walk, &status) : -ENOTDIR;
	if (!error && S_ISDIR(status.st_mode))
		return enter(walk, fd);
	close(fd);
	return error;
}

/* The whole path, from the root on. */
static int begin(struct walk *walk, const char *path)
{
	char here[PATH_MAX] = "";
	struct stat status;

	if (path[0] != '/' && !getcwd(here, sizeof(here)))
		return -errno;
	if (snprintf(walk->rest, sizeof(walk->rest), "%s/%s", here, path) >=
	    (int)sizeof(walk->rest))
		return -ENAMETOOLONG;
	walk->folder = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (walk->folder < 0 || fstat(walk->folder, &status))
		return -errno;
	return judge(walk, &status);
}

int fb_folder_reach(const char *path, struct fb_way way, struct fb_problem *problem)
{
	struct walk walk = {.way = way, .problem = problem, .folder = -1};
	char name[NAME_MAX + 1];
	int error = begin(&walk, path);

	while (!error && next_name(&walk, name, &error))
		error = step(&walk, name);
	if (!error)
		return walk.folder;
	if (walk.folder >= 0)
		close(walk.folder);
	return error;
}

int fb_folder_check(const char *path, struct fb_way way, struct fb_problem *problem)
{
	int folder = fb_folder_reach(path, way, problem);

	if (folder < 0)
		return folder;
	close(folder);
	return 0;
}
