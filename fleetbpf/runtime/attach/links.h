/* SPDX-License-Identifier: Apache-2.0 */
/* What holds a function to its hook: a link of libbpf, one of the kernel's, or a filter of tc. */
#ifndef FB_LINKS_H
#define FB_LINKS_H

#include <bpf/libbpf.h>
#include <stdint.h>

/* A classifier that is not held by a file descriptor: it stays until it is taken away. */
struct fb_filter {
	int interface;
	enum bpf_tc_attach_point point;
	uint32_t handle;
	uint32_t program; /* its id */
};

enum fb_link_holder {
	FB_LINK_LIBBPF,
	FB_LINK_DESCRIPTOR,
	FB_LINK_FILTER,
};

struct fb_link {
	enum fb_link_holder holder;
	struct bpf_link *link;
	int fd;
	struct fb_filter filter;
	int previous; /* the program whose place it took, as long as it may have to go back; or -1
		       */
};

struct fb_links {
	struct fb_link *items;
	size_t count;
};

/* Keep what was made, with 0; a NULL link or a negative fd is an error, which is passed on. */
int fb_links_keep(struct fb_links *links, struct bpf_link *link);
int fb_links_keep_fd(struct fb_links *links, int fd);
int fb_links_keep_filter(struct fb_links *links, const struct fb_filter *filter, int previous);

/* A place that takes one program only. */
struct fb_seat {
	uint32_t type;	/* BPF_LINK_TYPE_XDP or _NETNS */
	uint32_t where; /* the interface's index, or the namespace's inode */
	uint32_t attach_type;
};

/*
 * If a loader whose folder of state is beside `run` has the seat: put this program there, in one
 * step. -ENOENT when none has it.
 */
int fb_links_take_over(struct fb_links *links, int program, const struct fb_seat *seat,
		       const char *run);

/* How many took the place of another program, and are not settled. */
size_t fb_links_replaced(const struct fb_links *links);

/* What was replaced need not come back. */
void fb_links_settle(struct fb_links *links);

/* Detach; what was replaced and is not settled comes back. */
void fb_links_free(struct fb_links *links);

#endif
