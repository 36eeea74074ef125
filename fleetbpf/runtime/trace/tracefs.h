/* SPDX-License-Identifier: Apache-2.0 */
/* An own tracefs instance: never the global trace_pipe, whose reading is destructive. */
#ifndef FB_TRACEFS_H
#define FB_TRACEFS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/problem.h"
#include "base/warnings.h"

#define FB_INSTANCE_NAME 256

struct fb_instance {
	char name[FB_INSTANCE_NAME];
	char path[FB_INSTANCE_NAME + 64];
	int pipe;      /* its trace_pipe, not blocking; -1 when closed */
	bool timeless; /* it has another clock than `boot` */
};

/* Where tracefs is mounted; where it was not, it is now. NULL: there is none to be had. */
const char *fb_tracefs(void);

/*
 * Create the instance (a leftover of the same name is removed before), ready to collect what
 * bpf_trace_printk prints: to be called before the program is loaded, or first lines are lost.
 */
int fb_instance_create(struct fb_instance *instance, const char *name, uint64_t buffer_bytes,
		       struct fb_problem *problem, struct fb_warnings *warnings);

/*
 * Open the instance that a killed loader left, to read what is still in it; label gets what its
 * lines begin with, unlabelled whether those without one are its too. Returns 0, or a negative
 * errno when there is none.
 */
int fb_instance_reopen(struct fb_instance *instance, const char *name, char *label, size_t size,
		       bool *unlabelled);

/* Which lines it collects: those with `label`, if any; and those without any label, if asked. */
int fb_instance_filter(const struct fb_instance *instance, const char *label, int unlabelled,
		       struct fb_problem *problem);

/* Collect nothing from now on; what is in the buffer stays readable. */
void fb_instance_stop(const struct fb_instance *instance);
void fb_instance_remove(struct fb_instance *instance);

/* The messages that a processor's buffer, or all of them, have lost so far. */
uint64_t fb_instance_overrun(const struct fb_instance *instance, unsigned int cpu);
uint64_t fb_instance_overruns(const struct fb_instance *instance);

/* Those that were read from all of them: one of several lines is one. */
uint64_t fb_instance_reads(const struct fb_instance *instance);

#endif
