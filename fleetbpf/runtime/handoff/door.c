// SPDX-License-Identifier: Apache-2.0
#include "handoff/door.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET "handoff"
#define PATIENCE 1  /* seconds, for what should not wait at all */
#define WAIT_MS 100 /* for a message, */
#define WAITS 50    /* so often: a machine that stands still meanwhile takes one */

/* Through the folder's descriptor: the path of a socket must be short. */
static bool address_in(const char *folder, struct sockaddr_un *address, int *descriptor)
{
	*descriptor = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*descriptor < 0)
		return false;
	address->sun_family = AF_UNIX;
	snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d/" SOCKET,
		 *descriptor);
	return true;
}

static int new_socket(void)
{
	const struct timeval patience = {.tv_sec = PATIENCE};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	}
	return fd;
}

int fb_door_open(const char *run)
{
	struct sockaddr_un address = {};
	int folder, fd;

	if (!address_in(run, &address, &folder))
		return -1;
	fd = new_socket();
	unlinkat(folder, SOCKET, 0); /* of a loader that was killed */
	if (fd >= 0 && (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 1))) {
		close(fd);
		fd = -1;
	}
	close(folder);
	return fd;
}

int fb_door_knock(const char *run)
{
	struct sockaddr_un address = {};
	int folder, fd;

	if (!address_in(run, &address, &folder))
		return -1;
	fd = new_socket();
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		close(fd);
		fd = -1;
	}
	close(folder);
	return fd;
}

bool fb_door_comes(int fd)
{
	struct pollfd watched = {.fd = fd, .events = POLLIN};

	for (int i = 0; i < WAITS; i++)
		if (poll(&watched, 1, WAIT_MS) > 0)
			return true;
	return false;
}

void fb_door_close(int door, const char *run)
{
	char path[PATH_MAX];

	close(door);
	if (snprintf(path, sizeof(path), "%s/" SOCKET, run) < (int)sizeof(path))
		unlink(path);
}
