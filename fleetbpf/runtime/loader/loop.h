/* SPDX-License-Identifier: Apache-2.0 */
/* The loader's life between ready and stop: wait, read, write, until a signal. */
#ifndef FB_LOOP_H
#define FB_LOOP_H

#include "loader/loader.h"

/*
 * Block the signals that end a loader, so that they arrive in the loop and not halfway through
 * the start; returns the descriptor they arrive at, or a negative errno.
 */
int fb_loop_signals(void);

/* Take what is there, write it, and give it back; why it cannot go on, or NULL. */
const char *fb_loop_round(struct fb_loader *loader, size_t *taken, bool *busy);

/* Run until a signal or until nobody reads stdout; returns why it ended, for the stop record. */
const char *fb_loop_run(struct fb_loader *loader);

#endif
