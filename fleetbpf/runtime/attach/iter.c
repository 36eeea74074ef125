// SPDX-License-Identifier: Apache-2.0
#include "attach/iter.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int fb_iter_attach(struct fb_attachment *attachment)
{
	LIBBPF_OPTS(bpf_iter_attach_opts, options);
	union bpf_iter_link_info over = {};
	const char *name = attachment->hook->provider;
	int map;

	if (name[0]) {
		map = bpf_object__find_map_fd_by_name(attachment->object, name);
		if (map < 0)
			return -ENOKEY;
		over.map.map_fd = (uint32_t)map;
		options.link_info = &over;
		options.link_info_len = sizeof(over);
	}
	return fb_links_keep(&attachment->links,
			     bpf_program__attach_iter(attachment->program, &options));
}

const char *fb_iter_reason(int error)
{
	if (error == ENOKEY)
		return "the object has no such map";
	if (error == EBADF)
		return "it goes over a map: name it, as in iter/bpf_map_elem:counts";
	return NULL;
}

/* Hand each whole line over; what is left of the text is the beginning of the next one. */
static void take_lines(struct fb_text *text, const char *function, bool all, struct fb_sink *sink)
{
	char *line = text->bytes, *end;
	size_t left = text->used;

	while (left && (end = memchr(line, '\n', left))) {
		fb_sink_iter(sink, function, line, (size_t)(end - line));
		left -= (size_t)(end + 1 - line);
		line = end + 1;
	}
	if (all && left) {
		fb_sink_iter(sink, function, line, left);
		left = 0;
	}
	if (text->bytes)
		memmove(text->bytes, line, left);
	fb_text_cut(text, left);
}

static int read_all(int fd, const char *function, struct fb_sink *sink)
{
	struct fb_text text = {};
	char block[4096];
	ssize_t count;

	for (;;) {
		count = read(fd, block, sizeof(block));
		if (count < 0 && (errno == EINTR || errno == EAGAIN)) /* EAGAIN: it goes on */
			continue;
		if (count <= 0)
			break;
		fb_text_add(&text, block, (size_t)count);
		take_lines(&text, function, false, sink);
	}
	take_lines(&text, function, true, sink);
	fb_text_free(&text);
	return count < 0 ? -errno : 0;
}

static void read_once(const struct fb_attachment *attachment, struct fb_sink *sink)
{
	int fd = bpf_iter_create(bpf_link__fd(attachment->links.items[0].link));
	int error = fd < 0 ? fd : read_all(fd, attachment->function->name, sink);

	if (fd >= 0)
		close(fd);
	if (error)
		fprintf(stderr, "cannot read the iterator %s: %s\n", attachment->function->name,
			fb_error_text(-error));
}

bool fb_is_iter(const struct fb_attachment *attachment)
{
	return attachment->hook->kind && attachment->hook->kind->attach == fb_iter_attach;
}

void fb_iters_run(struct fb_attachments *attachments, uint64_t now, struct fb_sink *sink)
{
	for (size_t i = 0; i < attachments->count; i++) {
		struct fb_attachment *attachment = &attachments->items[i];

		if (!fb_is_iter(attachment) || attachment->due > now)
			continue;
		read_once(attachment, sink);
		attachment->due += attachment->hook->every;
		if (attachment->due <= now) /* slept through some: no burst */
			attachment->due = now + attachment->hook->every;
	}
}

uint64_t fb_iters_due(const struct fb_attachments *attachments)
{
	uint64_t due = UINT64_MAX;

	for (size_t i = 0; i < attachments->count; i++)
		if (fb_is_iter(&attachments->items[i]) && attachments->items[i].due < due)
			due = attachments->items[i].due;
	return due;
}
