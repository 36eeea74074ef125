// SPDX-License-Identifier: Apache-2.0
#include "handoff/handoff.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "handoff/door.h"

#define VERSION 1
#define LOOKING (3 * FB_SECOND)		   /* for a quiet moment */
#define REST_MS 2			   /* between two rounds of the one that goes */
#define LONGEST (UINT64_C(10) * FB_SECOND) /* of a whole handoff */

bool fb_other_current(const struct fb_options *options, char release[FB_RELEASE])
{
	char path[PATH_MAX], target[PATH_MAX];
	const char *name;
	ssize_t length;

	if (!options->spool || !options->run || !options->release[0] ||
	    snprintf(path, sizeof(path), "%s/../../current", options->spool) >= (int)sizeof(path))
		return false;
	length = readlink(path, target, sizeof(target) - 1);
	if (length < 0)
		return false;
	target[length] = '\0';
	name = strrchr(target, '/');
	name = name ? name + 1 : target;
	return strcmp(name, options->release) != 0 &&
	       snprintf(release, FB_RELEASE, "%s", name) < FB_RELEASE;
}

/* A running loader of another release of this program has a state. */
static bool runs(const struct fb_options *options, const char *release)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s/../%s/state", options->run, release) <
		       (int)sizeof(path) &&
	       !access(path, F_OK);
}

void fb_handoff_open(struct fb_handoff *handoff)
{
	const struct fb_options *options = handoff->options;

	handoff->since = fb_now();
	handoff->watch = fb_attachments_watch(handoff->attachments);
	/* Without the trace clock `boot`, lines do not tell when they were printed. */
	if (handoff->trace->instance->pipe >= 0 && handoff->trace->instance->timeless &&
	    handoff->watch == FB_WATCH_STEADY)
		handoff->watch = FB_WATCH_BESIDE;
	if (!fb_other_current(options, handoff->beside) || !runs(options, handoff->beside))
		handoff->beside[0] = '\0';
	if (options->run && options->spool)
		handoff->door = fb_door_open(options->run);
}

static bool send_message(int fd, const struct fb_handoff_message *message)
{
	return send(fd, message, sizeof(*message), MSG_NOSIGNAL) == (ssize_t)sizeof(*message);
}

static bool receive_message(int fd, struct fb_handoff_message *message)
{
	return fb_door_comes(fd) &&
	       recv(fd, message, sizeof(*message), 0) == (ssize_t)sizeof(*message);
}

/* --- the one that comes --- */

static void add_own_rings(struct fb_handoff *handoff)
{
	struct fb_quiet *quiet = &handoff->quiet;

	quiet->count = 0;
	for (size_t i = 0; i < handoff->rings->count; i++)
		if (!handoff->rings->items[i].ring->perf)
			quiet->producers[quiet->count++] = handoff->rings->items[i].view.producer;
	handoff->ours = quiet->count;
}

/* The page with the position that the kernel moves, of a ring buffer of the one that goes. */
static bool add_ring(struct fb_quiet *quiet, int fd)
{
	long page = sysconf(_SC_PAGESIZE);
	const void *producer = mmap(NULL, (size_t)page, PROT_READ, MAP_SHARED, fd, page);

	if (producer == MAP_FAILED)
		return false;
	quiet->producers[quiet->count++] = producer;
	return true;
}

static bool add_rings(struct fb_quiet *quiet, const struct cmsghdr *header)
{
	size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	const int *descriptors = (const int *)CMSG_DATA(header);
	bool added = count <= FB_RINGS;

	for (size_t i = 0; i < count; i++) {
		added = added && add_ring(quiet, descriptors[i]);
		close(descriptors[i]);
	}
	return added;
}

static bool receive_call(struct fb_handoff *handoff)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(FB_RINGS * sizeof(int))];
	} control;
	struct iovec piece = {.iov_base = &handoff->call, .iov_len = sizeof(handoff->call)};
	struct msghdr message = {
		.msg_iov = &piece,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	const struct cmsghdr *header;

	if (!fb_door_comes(handoff->peer) ||
	    recvmsg(handoff->peer, &message, MSG_CMSG_CLOEXEC) != (ssize_t)sizeof(handoff->call))
		return false;
	header = CMSG_FIRSTHDR(&message);
	handoff->call.release[FB_RELEASE - 1] = '\0';
	return (!header || add_rings(&handoff->quiet, header)) &&
	       handoff->call.version == VERSION && handoff->call.watch != FB_WATCH_ALONE &&
	       handoff->watch != FB_WATCH_ALONE;
}

static void hang_up(struct fb_handoff *handoff)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	for (size_t i = handoff->ours; i < handoff->quiet.count; i++)
		munmap((void *)handoff->quiet.producers[i], page);
	handoff->quiet.count = handoff->ours;
	close(handoff->peer);
	handoff->peer = -1;
}

static bool open_to(struct fb_handoff *handoff)
{
	handoff->peer = accept4(handoff->door, NULL, NULL, SOCK_CLOEXEC);
	if (handoff->peer < 0)
		return false;
	handoff->began = fb_now();
	add_own_rings(handoff);
	if (receive_call(handoff))
		return true;
	hang_up(handoff);
	return false;
}

/* All before the cut, and nothing after it: of lines their time tells. */
static void read_to(struct fb_handoff *handoff, const uint64_t *positions)
{
	fb_rings_read_to(handoff->rings, positions, handoff->sink);
	if (handoff->trace->instance->pipe >= 0)
		fb_trace_read(handoff->trace, SIZE_MAX / 2);
	fb_sink_flush(handoff->sink);
	fb_rings_release(handoff->rings);
}

/* What we saw before the cut counts as told only when the other has written it. */
static void cut(struct fb_handoff *handoff, bool exact)
{
	const struct fb_quiet *quiet = &handoff->quiet;
	struct fb_handoff_message message = {.word = FB_HANDOFF_CUT, .exact = exact};

	message.time = quiet->time;
	for (size_t i = handoff->ours; i < quiet->count; i++)
		message.positions[i - handoff->ours] = quiet->positions[i];
	if (!send_message(handoff->peer, &message))
		return;
	read_to(handoff, quiet->positions);
	if (receive_message(handoff->peer, &message) && message.word == FB_HANDOFF_TOLD) {
		fb_sink_handoff(handoff->sink, handoff->call.release, handoff->call.since,
				quiet->time, exact);
		fb_sink_flush(handoff->sink);
		handoff->since = quiet->time;
		handoff->beside[0] = '\0';
	}
	fb_rings_bound(handoff->rings, NULL);
}

static bool hold(const struct fb_handoff *handoff)
{
	struct fb_handoff_message message = {.word = FB_HANDOFF_HOLD};

	return send_message(handoff->peer, &message) && receive_message(handoff->peer, &message) &&
	       message.word == FB_HANDOFF_HELD;
}

/* True: there was no quiet moment, and it is worth another try. */
static bool try_once(struct fb_handoff *handoff)
{
	const struct fb_handoff_message go_on = {.word = FB_HANDOFF_GO_ON};
	int error;

	if (handoff->watch != FB_WATCH_STEADY || handoff->call.watch != FB_WATCH_STEADY ||
	    fb_now() - handoff->began > LOOKING) {
		fb_quiet_look(&handoff->quiet);
		cut(handoff, false);
		return false;
	}
	if (!hold(handoff))
		return false;
	error = fb_quiet_find(&handoff->quiet);
	if (error == -EAGAIN)
		return send_message(handoff->peer, &go_on);
	if (error)
		fb_quiet_look(&handoff->quiet);
	cut(handoff, !error);
	return false;
}

bool fb_handoff_take(struct fb_handoff *handoff, bool knocked)
{
	if (handoff->peer < 0 && !(knocked && open_to(handoff)))
		return false;
	if (try_once(handoff))
		return true;
	hang_up(handoff);
	return false;
}

/* --- the one that goes --- */

static bool call(const struct fb_handoff *handoff, int fd)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(FB_RINGS * sizeof(int))];
	} control = {};
	struct fb_handoff_call call = {
		.version = VERSION,
		.watch = handoff->watch,
		.since = handoff->since,
	};
	struct iovec piece = {.iov_base = &call, .iov_len = sizeof(call)};
	struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control};
	int *descriptors = (int *)CMSG_DATA(&control.header);
	size_t count = 0;

	snprintf(call.release, sizeof(call.release), "%s", handoff->options->release);
	for (size_t i = 0; i < handoff->rings->count; i++)
		if (!handoff->rings->items[i].ring->perf)
			descriptors[count++] = fb_ring_descriptor(&handoff->rings->items[i]);
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
	message.msg_controllen = CMSG_SPACE(count * sizeof(int));
	if (!count)
		message.msg_control = NULL;
	if (!count)
		message.msg_controllen = 0;
	return sendmsg(fd, &message, MSG_NOSIGNAL) == (ssize_t)sizeof(call);
}

static int knock(const struct fb_handoff *handoff, const char *release)
{
	char path[PATH_MAX];
	int fd;

	if (snprintf(path, sizeof(path), "%s/../%s", handoff->options->run, release) >=
	    (int)sizeof(path))
		return -1;
	fd = fb_door_knock(path);
	if (fd >= 0 && !call(handoff, fd)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* From here on it is the other's to tell. */
static void end_at(struct fb_handoff *handoff, const struct fb_handoff_message *cut)
{
	handoff->trace->until = cut->time;
	read_to(handoff, cut->positions);
}

/* The next word, if there is one; false: it is over. */
static bool listen_to(struct fb_handoff *handoff, int fd, void (*go_on)(void *context),
		      void *context)
{
	struct pollfd watched = {.fd = fd, .events = POLLIN};
	struct fb_handoff_message message;

	if (!poll(&watched, 1, REST_MS)) {
		go_on(context);
		return true;
	}
	if (!receive_message(fd, &message))
		return false;
	if (message.word == FB_HANDOFF_HOLD) {
		message.word = FB_HANDOFF_HELD;
		if (!send_message(fd, &message) || !receive_message(fd, &message))
			return false;
	}
	if (message.word == FB_HANDOFF_GO_ON)
		return true;
	if (message.word == FB_HANDOFF_CUT && message.exact)
		end_at(handoff, &message);
	else
		go_on(context);
	message.word = FB_HANDOFF_TOLD;
	send_message(fd, &message);
	return false;
}

void fb_handoff_give(struct fb_handoff *handoff, void (*go_on)(void *context), void *context)
{
	uint64_t begun = fb_now();
	char release[FB_RELEASE];
	int fd;

	if (!fb_other_current(handoff->options, release) ||
	    (handoff->beside[0] && runs(handoff->options, handoff->beside)))
		return;
	fd = knock(handoff, release);
	if (fd < 0)
		return;
	while (fb_now() - begun < LONGEST && listen_to(handoff, fd, go_on, context))
		;
	close(fd);
}

void fb_handoff_close(struct fb_handoff *handoff)
{
	if (handoff->peer >= 0)
		hang_up(handoff);
	if (handoff->door < 0)
		return;
	fb_door_close(handoff->door, handoff->options->run);
	handoff->door = -1;
}
