/* SPDX-License-Identifier: Apache-2.0 */
/* The loader's command line. */
#ifndef FB_OPTIONS_H
#define FB_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "asked/requests.h"
#include "base/problem.h"

/* NAME=VALUE of --set, --map, --event or --btf. */
struct fb_pair {
	char *name;
	char *value;
};

struct fb_pairs {
	struct fb_pair *items;
	size_t count;
};

struct fb_options {
	struct fb_requests attach;
	struct fb_pairs set;	/* constant, value */
	struct fb_pairs map;	/* map, seconds */
	struct fb_pairs metric; /* map, its words */
	struct fb_pairs event;	/* ring, struct; "" for the ring's own */
	struct fb_pairs btf;	/* kernel release, file with its types */
	uint64_t trace_buffer;	/* bytes per CPU */
	uint64_t spool_limit;	/* bytes */
	uint64_t rate_limit;	/* lines and events a second; 0: no limit */
	uint64_t record_limit;	/* bytes; 0: no limit */
	uint64_t expires;	/* seconds; 0: it runs until it is told to stop */
	const char *deadline;	/* the file that says when that is over, or NULL */
	const char *textfile;	/* the folder for metrics, or NULL */
	const char *dump;	/* a map's name or "all"; NULL: no dump */
	const char *deployment; /* "" when run by hand */
	const char *program;
	const char *release;
	const char *spool; /* NULL: readable lines to stdout */
	const char *run;   /* NULL: no state files */
	bool check;
	bool mount;
	bool clean;
	bool describe;
	bool help;
	bool supervise;
	char **owned; /* words read by --args */
	size_t owned_count;
};

int fb_options_parse(struct fb_options *options, int argc, char **argv, const char *program,
		     struct fb_problem *problem);
void fb_options_free(struct fb_options *options);

/* The text of --help. */
void fb_options_usage(const char *program);

#endif
