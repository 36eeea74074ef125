/* SPDX-License-Identifier: Apache-2.0 */
/* Which function goes to which hook: decided before the load, attached after it. */
#ifndef FB_ATTACH_H
#define FB_ATTACH_H

#include <bpf/libbpf.h>

#include "hooks.h"
#include "options.h"
#include "program.h"

struct fb_attachment {
	const struct fb_function *function;
	struct bpf_program *program;
	struct fb_hook hook;
	struct bpf_link **links; /* one; of a perf_event, one for each CPU */
	size_t link_count;	 /* 0 until it is attached */
};

struct fb_attachments {
	struct fb_attachment *items;
	size_t count;
};

/*
 * Every --attach, and for functions without one their own section. Tells libbpf the type of each
 * function and what not to load; refuses hooks that this kernel is known to lack.
 */
int fb_attachments_plan(struct fb_attachments *attachments, struct bpf_object *object,
			const struct fb_program *program, const struct fb_pairs *attach,
			struct fb_problem *problem);
int fb_attachments_attach(struct fb_attachments *attachments, struct fb_problem *problem);

/* [{"function":"…","hook":"…"},…] */
void fb_attachments_json(const struct fb_attachments *attachments, struct fb_text *out);
void fb_attachments_detach(struct fb_attachments *attachments);
void fb_attachments_free(struct fb_attachments *attachments);

/* "cannot attach F to H on kernel R: …" */
__attribute__((format(printf, 5, 6))) int fb_attach_fail(struct fb_problem *problem,
							 const char *function, const char *hook,
							 int error, const char *reason, ...);

#endif
