/* SPDX-License-Identifier: Apache-2.0 */
/* Where another release's loader knocks: a socket in a run folder, for messages that stay whole. */
#ifndef FB_DOOR_H
#define FB_DOOR_H

#include <stdbool.h>

/* The door of the folder `run`, to accept from; -1 where there can be none. */
int fb_door_open(const char *run);

/* Knock at the door of another's folder: a connection to it, or -1. */
int fb_door_knock(const char *run);

/* Whether a message comes within five seconds, or the other hangs up, which is told by reading. */
bool fb_door_comes(int fd);

void fb_door_close(int door, const char *run);

#endif
