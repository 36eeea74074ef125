/* SPDX-License-Identifier: Apache-2.0 */
/* Maps that all releases of a program share: pinned in bpffs, below a folder of root's own. */
#ifndef FB_PINS_H
#define FB_PINS_H

#include <bpf/libbpf.h>

#include "asked/options.h"
#include "asked/program.h"
#include "base/warnings.h"

struct fb_pins {
	const struct fb_program *program;
	const struct fb_options *options;
	int folder; /* where this program's pins are; -1: nothing is pinned */
};

/*
 * Before the load: take what the releases before have left, where its shape is the same; a warning
 * tells where it is not. libbpf's own place for pins, which is open to all, is not used.
 */
void fb_pins_take(struct fb_pins *pins, struct bpf_object *object, struct fb_warnings *warnings);

/* All works: pin what was not there. */
void fb_pins_keep(const struct fb_pins *pins, const struct bpf_object *object,
		  struct fb_warnings *warnings);

/* At the stop: remove what the release that comes after this one has in another shape. */
void fb_pins_leave(const struct fb_pins *pins);
void fb_pins_close(struct fb_pins *pins);

#endif
