// SPDX-License-Identifier: Apache-2.0
#include "maps/textfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "base/folders.h"

#define STAGE "metrics"
#define READABLE 0644 /* node_exporter is another user */

/* It may be the exporter's own: then that user may do with it as he likes, and with it alone. */
static int reach(const struct fb_textfile *textfile, struct fb_problem *problem)
{
	return fb_folder_reach(textfile->folder, (struct fb_way){.owner = FB_ANYONE}, problem);
}

int fb_textfile_plan(struct fb_textfile *textfile, const char *folder, const char *deployment,
		     const char *program, struct fb_problem *problem)
{
	int length = snprintf(textfile->name, sizeof(textfile->name), "fleetbpf%s%s-%s.prom",
			      *deployment ? "-" : "", deployment, program);
	int error;

	if (length >= (int)sizeof(textfile->name))
		return fb_fail(problem, STAGE, ENAMETOOLONG, "--textfile: too long a name");
	textfile->folder = folder;
	error = reach(textfile, problem);
	if (error >= 0) {
		close(error);
		error = access(folder, W_OK | X_OK) ? -errno : 0;
	}
	if (!error)
		return 0;
	fb_hint(problem, "make the folder that node_exporter's --collector.textfile.directory "
			 "names");
	return fb_fail(problem, STAGE, -error, "--textfile %s: %s", folder, strerror(-error));
}

static void remember(struct fb_textfile *textfile, int folder)
{
	struct stat status;

	if (fstatat(folder, textfile->name, &status, AT_SYMLINK_NOFOLLOW))
		return;
	textfile->device = status.st_dev;
	textfile->inode = status.st_ino;
}

void fb_textfile_write(struct fb_textfile *textfile, const struct fb_text *text)
{
	struct fb_problem problem = {};
	int folder = reach(textfile, &problem), error = text->failed ? -ENOMEM : 0;

	if (folder < 0)
		error = folder;
	if (!error)
		error = fb_file_replace_in(folder, textfile->name, text->bytes, text->used,
					   READABLE);
	if (!error)
		remember(textfile, folder);
	if (error && error != textfile->error)
		fprintf(stderr, "cannot write %s/%s: %s\n", textfile->folder, textfile->name,
			problem.message[0] ? problem.message : strerror(-error));
	textfile->error = error;
	if (folder >= 0)
		close(folder);
}

void fb_textfile_remove(struct fb_textfile *textfile)
{
	struct fb_problem ignored = {};
	struct stat status;
	int folder = textfile->inode ? reach(textfile, &ignored) : -1;

	if (folder < 0)
		return;
	if (!fstatat(folder, textfile->name, &status, AT_SYMLINK_NOFOLLOW) &&
	    status.st_ino == textfile->inode && status.st_dev == textfile->device)
		unlinkat(folder, textfile->name, 0);
	close(folder);
}
