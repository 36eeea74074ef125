// SPDX-License-Identifier: Apache-2.0
#include "textfile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"

#define READABLE 0644 /* node_exporter is another user */

int fb_textfile_plan(struct fb_textfile *textfile, const char *folder, const char *deployment,
		     const char *program, struct fb_problem *problem)
{
	int length = snprintf(textfile->path, sizeof(textfile->path), "%s/fleetbpf%s%s-%s.prom",
			      folder, *deployment ? "-" : "", deployment, program);

	if (length >= (int)sizeof(textfile->path))
		return fb_fail(problem, "metrics", ENAMETOOLONG, "--textfile: too long a path");
	if (!access(folder, W_OK | X_OK))
		return 0;
	fb_hint(problem, "make the folder that node_exporter's --collector.textfile.directory "
			 "names");
	return fb_fail(problem, "metrics", errno, "--textfile %s: %s", folder, strerror(errno));
}

void fb_textfile_write(struct fb_textfile *textfile, const struct fb_text *text)
{
	struct stat status = {};
	int error = text->failed ? -ENOMEM : 0;

	if (!error)
		error = fb_file_replace(textfile->path, text->bytes, text->used, READABLE);
	if (!error && !stat(textfile->path, &status)) {
		textfile->device = status.st_dev;
		textfile->inode = status.st_ino;
	}
	if (error && error != textfile->error)
		fprintf(stderr, "cannot write %s: %s\n", textfile->path, strerror(-error));
	textfile->error = error;
}

void fb_textfile_remove(struct fb_textfile *textfile)
{
	struct stat status;

	if (!textfile->inode || stat(textfile->path, &status))
		return;
	if (status.st_ino == textfile->inode && status.st_dev == textfile->device)
		unlink(textfile->path);
}
