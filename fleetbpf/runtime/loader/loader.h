/* SPDX-License-Identifier: Apache-2.0 */
/* One loader with all it holds, and how it gets ready to be loaded. */
#ifndef FB_LOADER_H
#define FB_LOADER_H

#include "asked/options.h"
#include "asked/program.h"
#include "attach/attach.h"
#include "base/wall.h"
#include "base/warnings.h"
#include "events/kept.h"
#include "events/rings.h"
#include "handoff/handoff.h"
#include "handoff/pins.h"
#include "loader/deadline.h"
#include "maps/maps.h"
#include "trace/label.h"
#include "trace/trace.h"

/* One loader at work. */
struct fb_loader {
	const struct fb_program *program;
	struct fb_options options;
	struct fb_problem problem;
	struct fb_warnings warnings;
	struct fb_wall wall;
	struct fb_deadline deadline;
	struct bpf_object *object;
	struct fb_attachments attachments;
	struct fb_readouts readouts;
	struct fb_rings rings;
	struct fb_kept kept;
	struct fb_pins pins;
	struct fb_instance instance;
	char label[FB_LABEL];
	char line_label[FB_LABEL_IN_LINE];
	bool unlabelled;
	struct fb_previous previous;
	bool recovered; /* what the loader before left is told */
	struct fb_spool spool;
	struct fb_counts told; /* what `counts` has, since */
	uint64_t told_at;
	struct fb_sink sink;
	struct fb_trace trace;
	struct fb_handoff handoff;
	uint64_t attaching;	     /* when that began, ns since boot */
	struct fb_text attached;     /* JSON */
	struct fb_text map_ids;	     /* JSON */
	struct fb_text capabilities; /* JSON: those that are kept */
	int signals;
};

/* What is done once: the spool, and the state of the loader before. */
int fb_loader_prepare(struct fb_loader *loader);

/* Everything before a load: object, constants, hooks, read-outs, rings, trace instance. */
int fb_loader_open(struct fb_loader *loader);

/* Have mounted what it needs, for a start that may not mount; what cannot be is for that to say. */
void fb_loader_mount(struct fb_loader *loader);

/* Undo that, what was loaded and attached too; the trace instance stays. */
void fb_loader_close(struct fb_loader *loader);

/* After the load, when every print can be seen; before the attachment, as nothing runs yet. */
int fb_loader_widen_trace(struct fb_loader *loader);

#endif
