// SPDX-License-Identifier: Apache-2.0
#include "maps/readout.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define STAGE "maps"

const struct fb_map *fb_map_find(const struct fb_program *program, const char *name,
				 struct fb_problem *problem)
{
	struct fb_text names = {};

	for (size_t i = 0; i < program->map_count; i++) {
		if (!strcmp(program->maps[i].name, name)) {
			fb_text_free(&names);
			return &program->maps[i];
		}
		fb_text_printf(&names, " %s", program->maps[i].name);
	}
	fb_hint(problem, "its maps:%s", names.used ? names.bytes : " none");
	fb_text_free(&names);
	fb_fail(problem, STAGE, ENOENT, "--map %s: %s has no such map", name, program->name);
	return NULL;
}

static int parse_seconds(const struct fb_pair *pair, const char *word, uint64_t *every,
			 struct fb_problem *problem)
{
	char *end;
	double seconds = strtod(word, &end);

	if (end == word || *end || !isfinite(seconds) || seconds < 0.1 || seconds > 1e6)
		return fb_fail(problem, STAGE, 0, "--map %s=%s: want seconds, from 0.1 to 1000000",
			       pair->name, pair->value);
	*every = (uint64_t)(seconds * (double)FB_SECOND);
	return 0;
}

/* linear:STEP */
static bool parse_step(const char *text, uint64_t *step)
{
	char *end;

	errno = 0;
	*step = strtoull(text, &end, 10);
	return text[0] >= '1' && text[0] <= '9' && !*end && !errno;
}

/* stack:WAY:MAP */
static bool add_stack(struct fb_readout *readout, char *text)
{
	char *colon = strchr(text, ':');
	struct fb_stack_field *stacks;

	if (!colon || (strncmp(text, "key", 3) != 0 && strncmp(text, "value", 5) != 0))
		return false;
	*colon = '\0';
	stacks = realloc(readout->stacks, (readout->stack_count + 1) * sizeof(*stacks));
	if (!stacks)
		return false;
	readout->stacks = stacks;
	stacks[readout->stack_count++] = (struct fb_stack_field){.way = text, .map = colon + 1};
	return true;
}

static bool parse_word(struct fb_readout *readout, char *word)
{
	if (!strcmp(word, "sum"))
		return readout->sum = true;
	if (!strcmp(word, "clear"))
		return readout->clear = true;
	if (!strcmp(word, "log2"))
		return readout->histogram = true;
	if (!strncmp(word, "linear:", 7))
		return readout->histogram = parse_step(word + 7, &readout->scale.step);
	return !strncmp(word, "stack:", 6) && add_stack(readout, word + 6);
}

static int parse(struct fb_readout *readout, const struct fb_pair *wanted,
		 struct fb_problem *problem)
{
	char *rest = NULL, *word;

	readout->words = strdup(wanted->value);
	if (!readout->words)
		return fb_fail(problem, STAGE, ENOMEM, "out of memory");
	word = strtok_r(readout->words, ",", &rest);
	if (parse_seconds(wanted, word ? word : "", &readout->every, problem))
		return -EINVAL;
	while ((word = strtok_r(NULL, ",", &rest))) {
		if (parse_word(readout, word))
			continue;
		fb_hint(problem, "sum, clear, log2, linear:STEP, stack:key.FIELD:MAP");
		return fb_fail(problem, STAGE, 0, "--map %s=%s: unknown word", wanted->name,
			       wanted->value);
	}
	return 0;
}

static int refuse(const struct fb_readout *readout, const char *what, const char *hint,
		  struct fb_problem *problem)
{
	fb_hint(problem, "%s", hint);
	return fb_fail(problem, STAGE, EOPNOTSUPP, "--map %s: %s", readout->map->name, what);
}

static int check(const struct fb_readout *readout, struct fb_problem *problem)
{
	enum bpf_map_type type = (enum bpf_map_type)readout->map->type;

	if (!fb_map_can_be_read(type)) {
		fb_hint(problem, "hash, array, LRU, per-CPU and stack trace maps, and LPM tries");
		return fb_fail(problem, STAGE, EOPNOTSUPP,
			       "--map %s: a map of this type (%s) cannot be read out",
			       readout->map->name, libbpf_bpf_map_type_str(type));
	}
	if (readout->sum && !fb_map_is_per_cpu(type))
		return refuse(readout, "there is nothing to sum", "per-CPU maps can be", problem);
	if (readout->sum && !readout->map->runs)
		return refuse(readout, "its values cannot be added up",
			      "integers, and structs and arrays of them, can", problem);
	if (readout->clear && !fb_map_is_hash(type))
		return refuse(readout, "only a hash is cleared without losing counts",
			      "leave `clear` out", problem);
	if (readout->histogram && readout->map->slots.place == FB_SLOTS_NONE)
		return refuse(readout, "it has no slots",
			      "a number, or a field `slot`, as its key; or counts in its values",
			      problem);
	return 0;
}

static int plan_metrics(struct fb_readout *readout, const struct fb_pairs *wanted,
			struct fb_problem *problem)
{
	int error = 0;

	readout->metrics = calloc(wanted->count ? wanted->count : 1, sizeof(*readout->metrics));
	if (!readout->metrics)
		return fb_fail(problem, STAGE, ENOMEM, "out of memory");
	for (size_t i = 0; !error && i < wanted->count; i++) {
		struct fb_metric *metric = &readout->metrics[readout->metric_count];

		if (strcmp(wanted->items[i].name, readout->map->name) != 0)
			continue;
		readout->metric_count++;
		error = fb_metric_plan(metric, &wanted->items[i], problem);
		if (!error && readout->histogram != !strcmp(metric->type, "histogram"))
			error = refuse(readout, "its metric is of another type",
				       "a histogram is one in both, or in neither", problem);
	}
	return error;
}

int fb_readout_plan(struct fb_readout *readout, const struct fb_program *program,
		    const struct fb_pair *wanted, const struct fb_pairs *metrics,
		    struct fb_problem *problem)
{
	int error;

	readout->map = fb_map_find(program, wanted->name, problem);
	if (!readout->map)
		return -ENOENT;
	error = parse(readout, wanted, problem);
	if (!error)
		error = check(readout, problem);
	if (!error)
		error = plan_metrics(readout, metrics, problem);
	for (size_t i = 0; !error && i < readout->stack_count; i++)
		error = fb_map_find(program, readout->stacks[i].map, problem) ? 0 : -ENOENT;
	return error;
}

static int open_map(const char *name, struct fb_layout *layout, fb_map_lookup *lookup,
		    void *context, struct fb_problem *problem)
{
	int fd = lookup(context, name);
	int error = fd < 0 ? fd : fb_layout_of(fd, layout);

	return error ? fb_fail(problem, STAGE, -error, "the map %s cannot be opened: %s", name,
			       fb_error_text(-error))
		     : 0;
}

int fb_readout_open(struct fb_readout *readout, fb_map_lookup *lookup, void *context,
		    struct fb_problem *problem)
{
	int error = open_map(readout->map->name, &readout->layout, lookup, context, problem);

	for (size_t i = 0; !error && i < readout->stack_count; i++)
		error = open_map(readout->stacks[i].map, &readout->stacks[i].layout, lookup,
				 context, problem);
	return error;
}

void fb_readout_free(struct fb_readout *readout)
{
	for (size_t i = 0; i < readout->metric_count; i++)
		fb_metric_free(&readout->metrics[i]);
	free(readout->metrics);
	free(readout->words);
	free(readout->stacks);
}
