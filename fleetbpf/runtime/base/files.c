// SPDX-License-Identifier: Apache-2.0
#include "base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

int fb_write_all(int fd, const void *bytes, size_t size, size_t *written)
{
	size_t done = 0;
	ssize_t count;
	int error = 0;

	while (done < size) {
		count = write(fd, (const char *)bytes + done, size - done);
		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0) {
			error = count ? -errno : -ENOSPC;
			break;
		}
		done += (size_t)count;
	}
	if (written)
		*written = done;
	return error;
}

static int write_and_close(int fd, const void *bytes, size_t size)
{
	int error = fb_write_all(fd, bytes, size, NULL);

	if (close(fd) && !error)
		error = -errno;
	return error;
}

int fb_file_put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 ? -errno : write_and_close(fd, text, strlen(text));
}

/* A name that nobody can have taken before us, for the file until it is whole. */
static int new_beside(int folder, const char *name, char beside[NAME_MAX + 1])
{
	unsigned char random[8] = {};
	int length, fd;

	/* Not to be waited for at boot: O_EXCL is what protects, the name only avoids a refusal. */
	if (getrandom(random, sizeof(random), GRND_NONBLOCK) < 0)
		random[0] = (unsigned char)getpid();
	length = snprintf(beside, NAME_MAX + 1, "%s.%02x%02x%02x%02x%02x%02x%02x%02x.new", name,
			  random[0], random[1], random[2], random[3], random[4], random[5],
			  random[6], random[7]);
	if (length > NAME_MAX)
		return -ENAMETOOLONG;
	fd = openat(folder, beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : fd;
}

int fb_file_replace_in(int folder, const char *name, const void *bytes, size_t size, mode_t mode)
{
	char beside[NAME_MAX + 1];
	int fd = new_beside(folder, name, beside), error, mode_error;

	if (fd < 0)
		return fd;
	mode_error = fchmod(fd, mode) ? -errno : 0; /* whatever the umask is */
	error = write_and_close(fd, bytes, size);
	error = error ? error : mode_error;
	if (!error && renameat(folder, beside, folder, name))
		error = -errno;
	if (error)
		unlinkat(folder, beside, 0);
	return error;
}

int fb_file_replace(const char *path, const void *bytes, size_t size, mode_t mode)
{
	const char *slash = strrchr(path, '/');
	char parent[PATH_MAX] = ".";
	int folder, error;

	if (slash && snprintf(parent, sizeof(parent), "%.*s", (int)(slash + 1 - path), path) >=
			     (int)sizeof(parent))
		return -ENAMETOOLONG;
	folder = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return -errno;
	error = fb_file_replace_in(folder, slash ? slash + 1 : path, bytes, size, mode);
	close(folder);
	return error;
}

int fb_file_read(const char *path, struct fb_text *text)
{
	char block[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC), error = 0;
	ssize_t count;

	if (fd < 0)
		return -errno;
	for (;;) {
		count = read(fd, block, sizeof(block));
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			error = -errno;
		if (count <= 0)
			break;
		fb_text_add(text, block, (size_t)count);
	}
	close(fd);
	return text->failed ? -ENOMEM : error;
}

void fb_boot_id(char *id, size_t size)
{
	struct fb_text text = {};

	id[0] = '\0';
	if (!fb_file_read("/proc/sys/kernel/random/boot_id", &text) && text.used)
		snprintf(id, size, "%.*s", (int)strcspn(text.bytes, "\n"), text.bytes);
	fb_text_free(&text);
}

int fb_folder_make(const char *path, mode_t mode)
{
	char part[PATH_MAX];
	char *slash = part;

	if (snprintf(part, sizeof(part), "%s", path) >= (int)sizeof(part))
		return -ENAMETOOLONG;
	while ((slash = strchr(slash + 1, '/'))) {
		*slash = '\0';
		if (mkdir(part, mode) && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return mkdir(part, mode) && errno != EEXIST ? -errno : 0;
}
