/* SPDX-License-Identifier: Apache-2.0 */
/* --textfile: the file that node_exporter's textfile collector reads. */
#ifndef FB_TEXTFILE_H
#define FB_TEXTFILE_H

#include <limits.h>
#include <sys/types.h>

#include "base/problem.h"

struct fb_textfile {
	const char *folder; /* NULL without one */
	char name[NAME_MAX + 1];
	dev_t device; /* of the file that we have written last */
	ino_t inode;
	int error; /* of the last write, told once */
};

/* DIR/fleetbpf-DEPLOYMENT-PROGRAM.prom; refused where no file can be put there. */
int fb_textfile_plan(struct fb_textfile *textfile, const char *folder, const char *deployment,
		     const char *program, struct fb_problem *problem);
void fb_textfile_write(struct fb_textfile *textfile, const struct fb_text *text);

/* At the stop: metrics of a program that has gone are a lie. Another release's file stays. */
void fb_textfile_remove(struct fb_textfile *textfile);

#endif
