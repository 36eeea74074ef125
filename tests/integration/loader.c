// SPDX-License-Identifier: Apache-2.0
/*
 * What a host's scripts see of a loader, without BPF. Its --args FILE has a line each: the folder
 * of its state, what `counts` says at first and after a moment, how many hooks it has replaced, and
 * what it does then: rest, work, end; or "refuse" to start.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINES 5

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

static void live(void)
{
	usleep(300000);
	write_file("counts", lines[2]);
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
	pid_t child;

	if (!file)
		return 2;
	for (int i = 0; i < LINES && fgets(lines[i], sizeof(lines[i]), file); i++)
		lines[i][strcspn(lines[i], "\n")] = '\0';
	if (!strcmp(lines[4], "refuse")) {
		write_file("failure", "{\"stage\":\"load\",\"message\":\"no such hook\"}");
		return 1;
	}
	write_file("counts", lines[1]);
	child = fork();
	if (!child) {
		int null = open("/dev/null", O_RDWR);

		setsid();
		for (int fd = 0; fd < 3; fd++)
			dup2(null, fd);
		live();
	}
	snprintf(state, sizeof(state), "{\"pid\":%d,\"supervisor\":0,\"replaced\":%s}", child,
		 lines[3]);
	write_file("state", state);
	return 0;
}
