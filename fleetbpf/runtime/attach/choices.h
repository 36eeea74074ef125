/* SPDX-License-Identifier: Apache-2.0 */
/* What may be attached: each function with the hooks that it may go to, the first that works. */
#ifndef FB_CHOICES_H
#define FB_CHOICES_H

#include "asked/hooks.h"
#include "asked/options.h"
#include "asked/program.h"
#include "base/warnings.h"

/* One hook of a choice. */
struct fb_option {
	struct fb_hook hook;
	char *why_not; /* it was tried; NULL: it was not, or it works */
};

struct fb_choice {
	const struct fb_function *function;
	struct fb_option *options;
	size_t count;
	size_t next; /* the option to be tried, or that works; count: none does */
	bool optional;
	const char *unless; /* a function, or NULL */
};

struct fb_choices {
	struct fb_choice *items;
	size_t count;
};

/* Every --attach, and for functions without one their own section. */
int fb_choices_make(struct fb_choices *choices, const struct fb_program *program,
		    const struct fb_requests *requests, struct fb_problem *problem);

/* Whether it is to be attached: not where the function does that it stands in for. */
bool fb_choice_counts(const struct fb_choices *choices, const struct fb_choice *choice);

/* Whether something else may happen where its next option does not work. */
bool fb_choice_has_other(const struct fb_choices *choices, const struct fb_choice *choice);

/*
 * The next option does not work, as the problem says: 0 when there is something else, and the
 * problem is forgotten.
 */
int fb_choice_give_up(const struct fb_choices *choices, struct fb_choice *choice,
		      struct fb_problem *problem);

/* ,"instead_of":[…]: what was tried before it, also of the function that it stands in for. */
void fb_choice_passed_json(const struct fb_choices *choices, const struct fb_choice *choice,
			   struct fb_text *out);

/* A warning for each function that is not attached, with nothing in its place. */
void fb_choices_warn(const struct fb_choices *choices, struct fb_warnings *warnings);
void fb_choices_free(struct fb_choices *choices);

#endif
