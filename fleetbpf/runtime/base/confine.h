/* SPDX-License-Identifier: Apache-2.0 */
/* System calls that a loader never makes, refused by the kernel from then on: seccomp(2). */
#ifndef FB_CONFINE_H
#define FB_CONFINE_H

enum fb_confinement {
	FB_TO_START, /* what not even a start has to do: execute, trace, load a module, … */
	FB_TO_RUN,   /* and what a start alone has to do: mount */
};

/*
 * For this process and its children, for good; each call adds to the one before. Wants no new
 * privileges, or CAP_SYS_ADMIN. A kernel without seccomp, or another processor, goes without.
 */
void fb_confine(enum fb_confinement confinement);

#endif
