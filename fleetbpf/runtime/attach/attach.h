/* SPDX-License-Identifier: Apache-2.0 */
/* Which function goes to which hook: decided before the load, attached after it. */
#ifndef FB_ATTACH_H
#define FB_ATTACH_H

#include <bpf/libbpf.h>

#include "asked/hooks.h"
#include "asked/options.h"
#include "asked/program.h"
#include "attach/choices.h"
#include "attach/links.h"

/* A function and the hook that it goes to. */
struct fb_attachment {
	struct fb_choice *choice; /* that it comes from */
	const struct fb_function *function;
	const struct fb_hook *hook;
	const struct fb_options *options;
	struct bpf_object *object;
	struct bpf_program *program;
	struct fb_links links; /* none until it is attached */
	uint64_t due;	       /* of an iterator: when it is read next, ns since boot */
};

struct fb_attachments {
	struct fb_choices choices; /* made once, with what is known not to work */
	struct fb_attachment *items;
	size_t count;
};

/*
 * Every --attach, and for functions without one their own section. Tells libbpf the type of each
 * function and what not to load; passes over hooks that this kernel is known to lack, or refuses
 * where there is nothing instead.
 */
int fb_attachments_plan(struct fb_attachments *attachments, struct bpf_object *object,
			const struct fb_program *program, const struct fb_options *options,
			struct fb_problem *problem);
int fb_attachments_attach(struct fb_attachments *attachments, struct fb_problem *problem);

/*
 * The load or an attachment failed: give the hook up that the problem names. 0 when there is
 * something instead: the problem is forgotten, and all is to be opened and planned anew.
 */
int fb_attachments_give_up(struct fb_attachments *attachments, struct fb_problem *problem);

/* Take away what loaders of this program that were killed have left attached. */
int fb_attachments_clean(const struct fb_program *program, const struct fb_options *options,
			 struct fb_problem *problem);

/* How many hooks were taken from the release before, as they hold one program only. */
size_t fb_attachments_replaced(const struct fb_attachments *attachments);

/* Everything is attached: what was replaced need not come back. */
void fb_attachments_settle(struct fb_attachments *attachments);

/*
 * [{"function":"…","hook":"…"},…], and where others were tried before it
 * "instead_of":[{"function":"…","hook":"…","reason":"…"},…]
 */
void fb_attachments_json(const struct fb_attachments *attachments, struct fb_text *out);

/* What the loader has to be able to do for them until its end: enum fb_duty. */
unsigned int fb_attachments_duties(const struct fb_attachments *attachments);

/* What the functions are to what they see, the least of all of them. */
enum fb_watch {
	FB_WATCH_ALONE,	 /* one may keep what it sees from another, or have taken its place */
	FB_WATCH_BESIDE, /* another loader's functions at the same hooks see the same */
	FB_WATCH_STEADY, /* and none is put aside while it runs: preemption is off */
};

enum fb_watch fb_attachments_watch(const struct fb_attachments *attachments);

/* Detach all, and forget this trial; what is known not to work stays known. */
void fb_attachments_detach(struct fb_attachments *attachments);
void fb_attachments_free(struct fb_attachments *attachments);

/* "cannot attach F to H on kernel R: …" */
__attribute__((format(printf, 5, 6))) int fb_attach_fail(struct fb_problem *problem,
							 const char *function, const char *hook,
							 int error, const char *reason, ...);

/* The same of an attachment. */
int fb_hook_fail(const struct fb_attachment *attachment, int error, const char *reason,
		 struct fb_problem *problem);

#endif
