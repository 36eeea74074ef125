/* SPDX-License-Identifier: Apache-2.0 */
/* What went wrong: where, what, the cure; for a person on stderr and for fleetbpf in a file. */
#ifndef FB_PROBLEM_H
#define FB_PROBLEM_H

#include "base/text.h"

/* The first problem met; message is empty as long as there is none. */
struct fb_problem {
	const char *stage;   /* "arguments", "open", "constants", "trace", "load", "attach", … */
	char function[64];   /* a BPF function, or "" */
	char hook[512];	     /* where it was to be attached, or "" */
	int error;	     /* a positive errno, or 0 */
	char message[1024];  /* one line */
	char hint[512];	     /* the cure, or "" */
	struct fb_text more; /* further lines for people: the end of the verifier's log */
};

/*
 * Fill in `problem` and return -error (-EINVAL where error is 0), for `return fb_fail(…)`.
 * A problem that is already there stays: the first one is the cause.
 */
__attribute__((format(printf, 4, 5))) int fb_fail(struct fb_problem *problem, const char *stage,
						  int error, const char *message, ...);
__attribute__((format(printf, 2, 3))) void fb_hint(struct fb_problem *problem, const char *hint,
						   ...);

/* strerror() that knows libbpf's own numbers too, and those of the kernel that no libc has. */
const char *fb_error_text(int error);
void fb_problem_at(struct fb_problem *problem, const char *function, const char *hook);
void fb_problem_print(const struct fb_problem *problem, const char *program);
void fb_problem_json(const struct fb_problem *problem, struct fb_text *out);
void fb_problem_free(struct fb_problem *problem);

#endif
