// SPDX-License-Identifier: Apache-2.0
#include "fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static void empty(void)
{
	DIR *listing = opendir(folder);
	struct dirent *entry;

	must(listing);
	while ((entry = readdir(listing)))
		unlinkat(dirfd(listing), entry->d_name, 0);
	closedir(listing);
}

static void remove_folder(void)
{
	empty();
	rmdir(folder);
}

const char *fuzz_folder(void)
{
	if (folder[0]) {
		empty();
		return folder;
	}
	snprintf(folder, sizeof(folder), "%s/fleetbpf-fuzz.%d",
		 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm", getpid());
	must(!mkdir(folder, 0700));
	atexit(remove_folder);
	return folder;
}

void fuzz_write(const char *path, const unsigned char *bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	must(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
	close(fd);
}
