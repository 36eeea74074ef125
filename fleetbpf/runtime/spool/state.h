/* SPDX-License-Identifier: Apache-2.0 */
/* --run DIR: what fleetbpf asks a loader about itself, as files; and systemd's readiness. */
#ifndef FB_STATE_H
#define FB_STATE_H

#include <sys/types.h>

#include "base/problem.h"
#include "spool/spool.h"

/* Everything in `state`. */
struct fb_ready {
	pid_t supervisor; /* 0: none */
	const char *boot_id;
	const char *instance;	  /* "" without one */
	size_t replaced;	  /* hooks that the release before has lost to this one */
	const char *attached;	  /* JSON */
	const char *warnings;	  /* JSON */
	const char *capabilities; /* JSON */
	const char *maps;	  /* JSON: their ids by name */
};

/* Make the folder and forget the state of the one before. A NULL folder: nothing to do. */
int fb_state_open(const char *folder, struct fb_problem *problem);

/* Attached: write `state`, remove `failure`, tell systemd. */
int fb_state_ready(const char *folder, const struct fb_ready *ready, struct fb_problem *problem);

/* How much was written and lost so far, in `counts`. */
void fb_state_counts(const char *folder, const struct fb_spool *spool);
void fb_state_failed(const char *folder, const struct fb_problem *problem);
void fb_state_stopped(const char *folder);

/* The whole log of the verifier; path gets the file's name, or "" when it could not be written. */
void fb_state_verifier_log(const char *folder, const char *log, char *path, size_t size);

/* sd_notify(3) without libsystemd: one datagram to $NOTIFY_SOCKET, if there is one. */
void fb_notify(const char *message);

#endif
