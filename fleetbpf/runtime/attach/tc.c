// SPDX-License-Identifier: Apache-2.0
#include "attach/tc.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Where filters are by one number only; low ones come first, and tc(8) itself begins at 49152. */
#define PRIORITY 0xfb

/* LIBBPF_OPTS clears what follows the last field as well, where libbpf takes no other byte than 0;
 * a struct that a function returns may have anything there.
 */
#define TC_HOOK(NAME, FILTER)                                                                      \
	LIBBPF_OPTS(bpf_tc_hook, NAME, .ifindex = (FILTER)->interface,                             \
		    .attach_point = (FILTER)->point)

/* The same for the same owner, so that a later loader finds the filter of the one before (FNV-1a).
 */
static uint32_t handle_of(const char *owner)
{
	uint32_t hash = 2166136261u;

	for (; *owner; owner++)
		hash = (hash ^ (unsigned char)*owner) * 16777619u;
	return hash ? hash : 1;
}

/* The id of the program that is there; 0: none. */
static uint32_t present(const struct fb_filter *filter)
{
	TC_HOOK(hook, filter);
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = filter->handle, .priority = PRIORITY);

	return bpf_tc_query(&hook, &options) ? 0 : options.prog_id;
}

static int put(const struct fb_filter *filter, int program, uint32_t flags)
{
	TC_HOOK(hook, filter);
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = filter->handle, .priority = PRIORITY,
		    .prog_fd = program, .flags = flags);

	return bpf_tc_attach(&hook, &options);
}

int fb_tc_attach(struct fb_filter *filter, int program, const char *owner, int *previous)
{
	TC_HOOK(hook, filter);
	int error = bpf_tc_hook_create(&hook);
	uint32_t before;

	if (error && error != -EEXIST)
		return error;
	filter->handle = handle_of(owner);
	before = present(filter);
	*previous = before ? bpf_prog_get_fd_by_id(before) : -1;
	error = put(filter, program, before ? BPF_TC_F_REPLACE : 0);
	if (!error)
		filter->program = present(filter);
	if (error && *previous >= 0)
		close(*previous);
	return error;
}

void fb_tc_clean(struct fb_filter *filter, const char *owner)
{
	filter->handle = handle_of(owner);
	filter->program = present(filter);
	if (filter->program)
		fb_tc_detach(filter, -1);
}

void fb_tc_detach(const struct fb_filter *filter, int previous)
{
	TC_HOOK(hook, filter);
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = filter->handle, .priority = PRIORITY);

	if (present(filter) != filter->program)
		return; /* the next release's */
	if (previous >= 0)
		put(filter, previous, BPF_TC_F_REPLACE);
	else
		bpf_tc_detach(&hook, &options);
}
