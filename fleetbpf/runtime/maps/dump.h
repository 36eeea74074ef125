/* SPDX-License-Identifier: Apache-2.0 */
/* --dump: read out the maps of the loader that runs, from a process of one's own. */
#ifndef FB_DUMP_H
#define FB_DUMP_H

#include <bpf/libbpf.h>

#include "asked/options.h"
#include "asked/program.h"

/* {"counts":12,…}: the ids of the maps that can be read out, for the `state` of a loader. */
void fb_map_ids_json(const struct bpf_object *object, const struct fb_program *program,
		     struct fb_text *out);

/*
 * Print the readouts as JSON records, the wall clock's offset first. The loader is asked nothing:
 * its maps are found by the ids in its state, so this works when it hangs as well.
 */
int fb_dump(const struct fb_program *program, const struct fb_options *options,
	    struct fb_problem *problem);

#endif
