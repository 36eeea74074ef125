// SPDX-License-Identifier: Apache-2.0
#include "attach/sockmap.h"

#include <bpf/bpf.h>
#include <errno.h>

int fb_sockmap_prepare(const struct fb_attachment *attachment, struct fb_problem *problem)
{
	struct bpf_map *map =
		bpf_object__find_map_by_name(attachment->object, attachment->hook->name);

	if (map && (bpf_map__type(map) == BPF_MAP_TYPE_SOCKMAP ||
		    bpf_map__type(map) == BPF_MAP_TYPE_SOCKHASH))
		return 0;
	return fb_attach_fail(problem, attachment->function->name, attachment->hook->text, ENOENT,
			      "the object has no sockmap or sockhash %s", attachment->hook->name);
}

int fb_sockmap_attach(struct fb_attachment *attachment)
{
	int map = bpf_object__find_map_fd_by_name(attachment->object, attachment->hook->name);

	return bpf_prog_attach(bpf_program__fd(attachment->program), map,
			       attachment->hook->kind->attach_type, 0);
}
