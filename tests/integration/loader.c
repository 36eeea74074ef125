// SPDX-License-Identifier: Apache-2.0
/*
 * What a host's scripts see of a loader, without BPF. Its --args FILE has a line each: the folder
 * of its state, what `counts` says at first and, if anything else, once it was looked at, how many
 * hooks it has replaced, and what it does then: rest, work, end; or "refuse" to start.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINES 5
#define READS 6
/* Two of each read, in turn: inotify merges events that are like the one before. */
#define EVENTS (IN_OPEN | IN_CLOSE_NOWRITE)

static char lines[LINES][4096];

static void write_file(const char *name, const char *text)
{
	char path[8192], new[8200];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", lines[0], name);
	snprintf(new, sizeof(new), "%s.new", path);
	file = fopen(new, "w");
	if (!file)
		return;
	fprintf(file, "%s\n", text);
	fclose(file);
	rename(new, path);
}

/* Until a script has looked at `counts` once, which takes READS of it. */
static void wait_for_a_look(int watch)
{
	struct inotify_event event;

	for (int i = 0; i < 2 * READS; i++)
		if (read(watch, &event, sizeof(event)) <= 0)
			return;
}

static void live(int watch)
{
	if (lines[2][0]) {
		wait_for_a_look(watch);
		write_file("counts", lines[2]);
	}
	if (!strcmp(lines[4], "end"))
		_exit(0);
	while (!strcmp(lines[4], "work"))
		;
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	FILE *file = argc > 2 ? fopen(argv[2], "r") : NULL;
	char state[4200];
	char path[8192];
	int watch = inotify_init();
	pid_t child;

	if (!file)
		return 2;
	if (argc > 3 && !strcmp(argv[3], "--clean"))
		return 0;
	for (int i = 0; i < LINES && fgets(lines[i], sizeof(lines[i]), file); i++)
		lines[i][strcspn(lines[i], "\n")] = '\0';
	if (!strcmp(lines[4], "refuse")) {
		write_file("failure", "{\"stage\":\"load\",\"message\":\"no such hook\"}");
		return 1;
	}
	write_file("counts", lines[1]);
	snprintf(path, sizeof(path), "%s/counts", lines[0]);
	inotify_add_watch(watch, path, EVENTS);
	child = fork();
	if (!child) {
		int null = open("/dev/null", O_RDWR);

		setsid();
		for (int fd = 0; fd < 3; fd++)
			dup2(null, fd);
		live(watch);
	}
	snprintf(state, sizeof(state), "{\"pid\":%d,\"supervisor\":0,\"replaced\":%s}", child,
		 lines[3]);
	write_file("state", state);
	return 0;
}
