// SPDX-License-Identifier: Apache-2.0
#include "spool/state.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/files.h"

static int path_of(const char *folder, const char *name, char path[PATH_MAX])
{
	return snprintf(path, PATH_MAX, "%s/%s", folder, name) >= PATH_MAX ? -ENAMETOOLONG : 0;
}

static void forget(const char *folder, const char *name)
{
	char path[PATH_MAX];

	if (folder && !path_of(folder, name, path))
		unlink(path);
}

static int write_text(const char *folder, const char *name, const struct fb_text *text)
{
	char path[PATH_MAX];
	int error = text->failed ? -ENOMEM : path_of(folder, name, path);

	return error ? error : fb_file_replace(path, text->bytes, text->used, FB_PRIVATE);
}

int fb_state_open(const char *folder, struct fb_problem *problem)
{
	int error;

	if (!folder)
		return 0;
	error = fb_folder_make(folder, 0755);
	if (error)
		return fb_fail(problem, "state", -error, "cannot make the folder %s: %s", folder,
			       strerror(-error));
	forget(folder, "state");
	return 0;
}

int fb_state_ready(const char *folder, const struct fb_ready *ready, struct fb_problem *problem)
{
	struct fb_text text = {};
	int error = 0;

	fb_text_printf(&text,
		       "{\"pid\":%d,\"supervisor\":%d,\"ready\":true,\"since_ns\":%" PRIu64
		       ",\"boot_id\":\"%s\",\"instance\":",
		       getpid(), ready->supervisor, fb_clock(CLOCK_REALTIME), ready->boot_id);
	fb_text_quote_string(&text, ready->instance);
	fb_text_printf(&text, ",\"replaced\":%zu", ready->replaced);
	fb_text_printf(&text, ",\"attached\":%s,\"warnings\":%s,\"capabilities\":%s,\"maps\":%s}\n",
		       ready->attached, ready->warnings, ready->capabilities, ready->maps);
	if (folder) {
		forget(folder, "failure");
		forget(folder, "verifier.log");
		error = write_text(folder, "state", &text);
	}
	fb_text_free(&text);
	if (error)
		return fb_fail(problem, "state", -error, "cannot write %s/state: %s", folder,
			       strerror(-error));
	fb_notify("READY=1");
	return 0;
}

void fb_state_counts(const char *folder, const struct fb_spool *spool)
{
	struct fb_text text = {};

	if (!folder)
		return;
	fb_text_puts(&text, "{");
	fb_spool_counts(spool, &text);
	fb_text_puts(&text, "}\n");
	write_text(folder, "counts", &text);
	fb_text_free(&text);
}

void fb_state_failed(const char *folder, const struct fb_problem *problem)
{
	struct fb_text text = {};
	int error;

	if (!folder)
		return;
	fb_problem_json(problem, &text);
	error = fb_folder_make(folder, 0755);
	if (!error)
		error = write_text(folder, "failure", &text);
	if (error)
		fprintf(stderr, "cannot write %s/failure: %s\n", folder, strerror(-error));
	fb_text_free(&text);
}

void fb_state_stopped(const char *folder)
{
	forget(folder, "state");
}

void fb_state_verifier_log(const char *folder, const char *log, char *path, size_t size)
{
	char whole[PATH_MAX];

	path[0] = '\0';
	if (!folder || path_of(folder, "verifier.log", whole))
		return;
	if (!fb_file_replace(whole, log, strlen(log), FB_PRIVATE))
		snprintf(path, size, "%s", whole);
}

void fb_notify(const char *message)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = name ? strlen(name) : 0;
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	int fd;

	if (!length || length >= sizeof(address.sun_path))
		return;
	memcpy(address.sun_path, name, length);
	if (name[0] == '@') /* the abstract namespace */
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (sendto(fd, message, strlen(message), MSG_NOSIGNAL, (struct sockaddr *)&address, size) <
	    0)
		fprintf(stderr, "cannot tell systemd %s: %s\n", message, strerror(errno));
	close(fd);
}
