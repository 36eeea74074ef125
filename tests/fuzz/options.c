// SPDX-License-Identifier: Apache-2.0
/* Words on the command line, and the words of a file, which end at NUL and at newlines. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "fuzz.h"
#include "asked/options.h"

#define WORDS 32

static void parse(int count, char **words)
{
	struct fb_problem problem = {};
	struct fb_options options;
	int error = fb_options_parse(&options, count, words, "program", &problem);

	must(!error == !problem.message[0]);
	must(error || (options.trace_buffer && options.spool_limit));
	fb_problem_free(&problem);
	fb_options_free(&options);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
	char path[PATH_MAX], *words[WORDS + 1] = {"loader"}, *copy, *at;
	int count = 1;

	if (size > 4096)
		return -1;
	snprintf(path, sizeof(path), "%s/args", fuzz_folder());
	fuzz_write(path, bytes, size);
	parse(3, (char *[]){"loader", "--args", path, NULL});

	copy = malloc(size + 1);
	memcpy(copy, bytes, size);
	copy[size] = '\0';
	for (at = copy; count < WORDS && at <= copy + size; at += strlen(at) + 1)
		if (strncmp(at, "--args", 6) != 0) /* files of this machine are none of ours */
			words[count++] = at;
	parse(count, words);
	free(copy);
	return 0;
}
