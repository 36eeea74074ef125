/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing whole files, small ones. */
#ifndef FB_FILES_H
#define FB_FILES_H

#include <stddef.h>
#include <sys/types.h>

#include "base/text.h"

/* All of these return 0 or a negative errno. */

/* Write `text` into a file that exists (tracefs): one write(2). */
int fb_file_put(const char *path, const char *text);

#define FB_PRIVATE 0600

/*
 * The file appears whole or not at all: written beside, then renamed. Nothing that lies there by
 * its name, or by the other one, is followed or written to.
 */
int fb_file_replace_in(int folder, const char *name, const void *bytes, size_t size, mode_t mode);
int fb_file_replace(const char *path, const void *bytes, size_t size, mode_t mode);
int fb_file_read(const char *path, struct fb_text *text);

/* This boot's id as the kernel gives it, or "". */
void fb_boot_id(char *id, size_t size);

/* mkdir -p */
int fb_folder_make(const char *path, mode_t mode);

/* All of `bytes`, over short writes and signals; *written tells how far it came. */
int fb_write_all(int fd, const void *bytes, size_t size, size_t *written);

#endif
