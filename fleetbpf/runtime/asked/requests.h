/* SPDX-License-Identifier: Apache-2.0 */
/* --load, --attach, and the options that belong to the one before them: --or, --optional, --unless.
 */
#ifndef FB_REQUESTS_H
#define FB_REQUESTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/problem.h"

struct fb_request {
	char *function;
	char **hooks; /* the first that works; none: the function's own section */
	size_t hook_count;
	bool load;     /* not attached at all */
	bool optional; /* none of them works: go on without */
	char *unless;  /* only where that function could not be attached; or NULL */
};

struct fb_requests {
	struct fb_request *items;
	size_t count;
};

/* FUNCTION or FUNCTION=HOOK */
int fb_requests_add(struct fb_requests *requests, const char *word, struct fb_problem *problem);

/* --load FUNCTION: load it, and attach it nowhere. */
int fb_requests_load(struct fb_requests *requests, const char *function,
		     struct fb_problem *problem);
int fb_requests_or(struct fb_requests *requests, const char *hook, struct fb_problem *problem);
int fb_requests_optional(struct fb_requests *requests, struct fb_problem *problem);
int fb_requests_unless(struct fb_requests *requests, const char *function,
		       struct fb_problem *problem);
void fb_requests_free(struct fb_requests *requests);

#endif
