// SPDX-License-Identifier: Apache-2.0
#include "attach/links.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attach/neighbours.h"
#include "attach/tc.h"

static struct fb_link *add(struct fb_links *links)
{
	struct fb_link *items = realloc(links->items, (links->count + 1) * sizeof(*items));

	if (!items)
		return NULL;
	links->items = items;
	items += links->count++;
	memset(items, 0, sizeof(*items));
	items->fd = -1;
	items->previous = -1;
	return items;
}

int fb_links_keep(struct fb_links *links, struct bpf_link *link)
{
	int error = link ? 0 : errno ? -errno : -EINVAL;
	struct fb_link *kept = error ? NULL : add(links);

	if (error)
		return error;
	if (!kept) {
		bpf_link__destroy(link);
		return -ENOMEM;
	}
	kept->holder = FB_LINK_LIBBPF;
	kept->link = link;
	return 0;
}

int fb_links_keep_fd(struct fb_links *links, int fd)
{
	struct fb_link *kept = fd < 0 ? NULL : add(links);

	if (fd < 0)
		return fd;
	if (!kept) {
		close(fd);
		return -ENOMEM;
	}
	kept->holder = FB_LINK_DESCRIPTOR;
	kept->fd = fd;
	return 0;
}

int fb_links_keep_filter(struct fb_links *links, const struct fb_filter *filter, int previous)
{
	struct fb_link *kept = add(links);

	if (!kept) {
		fb_tc_detach(filter, previous);
		return -ENOMEM;
	}
	kept->holder = FB_LINK_FILTER;
	kept->filter = *filter;
	kept->previous = previous;
	return 0;
}

static bool holds(int fd, const struct fb_seat *seat, struct bpf_link_info *info)
{
	uint32_t size = sizeof(*info);

	memset(info, 0, sizeof(*info));
	if (bpf_obj_get_info_by_fd(fd, info, &size) || info->type != seat->type)
		return false;
	if (seat->type == BPF_LINK_TYPE_XDP)
		return info->xdp.ifindex == seat->where;
	return info->netns.netns_ino == seat->where && info->netns.attach_type == seat->attach_type;
}

static int replace(struct fb_links *links, int fd, int program, int previous)
{
	LIBBPF_OPTS(bpf_link_update_opts, options, .flags = BPF_F_REPLACE);
	int error;

	/* Only if it is still the program that was seen there. */
	options.old_prog_fd = (uint32_t)previous;
	error = bpf_link_update(fd, program, &options);
	if (!error)
		error = fb_links_keep_fd(links, fd);
	if (error) {
		close(previous);
		return error;
	}
	links->items[links->count - 1].previous = previous;
	return 0;
}

int fb_links_take_over(struct fb_links *links, int program, const struct fb_seat *seat,
		       const char *run)
{
	struct fb_neighbours found = {};
	int error = fb_neighbours_links(&found, run);

	for (size_t i = 0; !error && i < found.count; i++) {
		int fd = bpf_link_get_fd_by_id(found.links[i]);
		struct bpf_link_info info;
		int previous;

		if (fd < 0)
			continue;
		if (!holds(fd, seat, &info)) {
			close(fd);
			continue;
		}
		previous = bpf_prog_get_fd_by_id(info.prog_id);
		error = previous < 0 ? previous : replace(links, fd, program, previous);
		if (error)
			close(fd);
		fb_neighbours_free(&found);
		return error;
	}
	fb_neighbours_free(&found);
	return error ? error : -ENOENT;
}

size_t fb_links_replaced(const struct fb_links *links)
{
	size_t count = 0;

	for (size_t i = 0; i < links->count; i++)
		count += links->items[i].previous >= 0;
	return count;
}

void fb_links_settle(struct fb_links *links)
{
	for (size_t i = 0; i < links->count; i++) {
		if (links->items[i].previous >= 0)
			close(links->items[i].previous);
		links->items[i].previous = -1;
	}
}

static void release(struct fb_link *link)
{
	switch (link->holder) {
	case FB_LINK_LIBBPF:
		bpf_link__destroy(link->link);
		break;
	case FB_LINK_DESCRIPTOR:
		if (link->previous >= 0)
			bpf_link_update(link->fd, link->previous, NULL);
		close(link->fd);
		break;
	case FB_LINK_FILTER:
		fb_tc_detach(&link->filter, link->previous);
		break;
	}
	if (link->previous >= 0)
		close(link->previous);
}

void fb_links_free(struct fb_links *links)
{
	for (size_t i = 0; i < links->count; i++)
		release(&links->items[i]);
	free(links->items);
	links->items = NULL;
	links->count = 0;
}
