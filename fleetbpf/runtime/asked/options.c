// SPDX-License-Identifier: Apache-2.0
#include "asked/options.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asked/hooks.h"

#define MIB (UINT64_C(1) << 20)

static const char usage[] =
	"Attaches a BPF program and prints what it says until Ctrl-C. Needs root.\n"
	"\n"
	"usage: %s [OPTION]...\n"
	"  --attach FUNCTION=HOOK   attach there, not where the object's own section says; "
	"repeatable\n"
	"  --attach FUNCTION        attach where its own section says, even SEC(\"?…\")\n"
	"  --load FUNCTION          load it and attach it nowhere: tail calls go there\n"
	"    --or HOOK              … there, where the hook before it does not work\n"
	"    --optional             … go on without, where it does not work\n"
	"    --unless FUNCTION      … only where that function could not be attached\n"
	"  --set CONSTANT=VALUE     give a constant its value; repeatable; of a struct or array "
	"one "
	"place:\n"
	"                           limits.low=1 sizes[2]=7\n"
	"  --map NAME=SECONDS[,WORD...]   read a map out every SECONDS; repeatable\n"
	"                           sum: add up the values of all processors\n"
	"                           clear: take out of a hash what has been read\n"
	"                           log2 linear:STEP: the keys or values are slots of histograms\n"
	"                           stack:key.FIELD:MAP   show the stack that MAP has by this "
	"number\n"
	"  --metric MAP=NAME,TYPE[,WORD...]   the map as a metric for Prometheus; repeatable\n"
	"                           value:value.FIELD scale:NUMBER label:NAME:key.FIELD "
	"help:TEXT\n"
	"  --textfile DIR           where metrics are written, for node_exporter\n"
	"  --event RING=STRUCT      records of a ring buffer are this struct; repeatable\n"
	"  --btf RELEASE=FILE       the types of that kernel, for one that has none itself\n"
	"  --trace-buffer BYTES     kernel buffer for printed lines, per CPU (default 4194304)\n"
	"  --spool DIR              write segments there instead of stdout\n"
	"  --spool-limit BYTES      keep at most so much there (default 268435456)\n"
	"  --rate-limit N           more lines and events a second are counted as lost\n"
	"  --record-limit BYTES     a larger one is counted as lost\n"
	"  --expires SECONDS        end by itself after that time\n"
	"  --deadline FILE          when that is, for starts after a kill or a reboot: SECONDS "
	"BOOT_ID UPTIME\n"
	"  --run DIR                keep state, failure and verifier.log there\n"
	"  --deployment D --program P --release R   labels of segments and of the tracefs "
	"instance\n"
	"  --supervise              go to the background when ready, start again when it dies\n"
	"  --check                  load (the verifier's judgement), do not attach\n"
	"  --mount                  mount tracefs and bpffs where the program needs them and "
	"nobody "
	"did\n"
	"  --dump MAP|all           print what the maps of the loader hold that runs with this "
	"--run\n"
	"  --clean                  remove what a loader that was killed has left attached\n"
	"  --describe               what is inside, as JSON\n"
	"  --args FILE              more of these words, one a line; \\n is newline, \\\\ is "
	"backslash\n"
	"  --help                   this text\n"
	"\n"
	"hooks:\n";

enum value {
	VALUE_NONE,
	VALUE_TEXT,
	VALUE_NUMBER,
	VALUE_PAIR,
	VALUE_ATTACH,
	VALUE_LOAD,
	VALUE_OR,
	VALUE_OPTIONAL,
	VALUE_UNLESS,
	VALUE_ARGS,
};

struct option_entry {
	const char *name;
	enum value value;
	void *target;
};

void fb_options_usage(const char *program)
{
	printf(usage, program);
	for (size_t i = 0; i < fb_hook_kind_count; i++)
		printf("  %s%s\n", fb_hook_kinds[i].word, fb_hook_kinds[i].form);
}

static int add_pair(struct fb_pairs *pairs, const char *name, const char *word,
		    struct fb_problem *problem)
{
	const char *equals = strchr(word, '=');
	struct fb_pair *items;

	if (!equals || equals == word)
		return fb_fail(problem, "arguments", 0, "%s %s: want NAME=VALUE", name, word);
	items = realloc(pairs->items, (pairs->count + 1) * sizeof(*items));
	if (!items)
		return fb_fail(problem, "arguments", ENOMEM, "out of memory");
	pairs->items = items;
	items[pairs->count].name = strndup(word, (size_t)(equals - word));
	items[pairs->count].value = strdup(equals + 1);
	pairs->count++;
	if (!items[pairs->count - 1].name || !items[pairs->count - 1].value)
		return fb_fail(problem, "arguments", ENOMEM, "out of memory");
	return 0;
}

static int set_number(uint64_t *target, const char *name, const char *word,
		      struct fb_problem *problem)
{
	char *end = NULL;

	errno = 0;
	*target = strtoull(word, &end, 10);
	if (!isdigit((unsigned char)word[0]) || *end || errno || !*target)
		return fb_fail(problem, "arguments", 0, "%s %s: want a whole number, not 0", name,
			       word);
	return 0;
}

/* Undo \n and \\ in place: an --args file has one word a line, whatever is in the word. */
static void unescape(char *line)
{
	char *to = line;

	for (const char *from = line; *from; from++) {
		if (from[0] == '\\' && from[1] == 'n') {
			*to++ = '\n';
			from++;
		} else if (from[0] == '\\' && from[1] == '\\') {
			*to++ = '\\';
			from++;
		} else {
			*to++ = *from;
		}
	}
	*to = '\0';
}

static int keep_word(struct fb_options *options, char *line)
{
	char **owned = realloc(options->owned, (options->owned_count + 1) * sizeof(*owned));

	if (!owned)
		return -ENOMEM;
	options->owned = owned;
	owned[options->owned_count] = strdup(line);
	return owned[options->owned_count++] ? 0 : -ENOMEM;
}

static int read_args(struct fb_options *options, const char *path, struct fb_problem *problem)
{
	FILE *file = fopen(path, "re");
	size_t size = 0;
	char *line = NULL;
	ssize_t length;
	int error = 0;

	if (!file)
		return fb_fail(problem, "arguments", errno, "--args %s: %s", path, strerror(errno));
	while (!error && (length = getline(&line, &size, file)) > 0) {
		if (line[length - 1] == '\n')
			line[length - 1] = '\0';
		unescape(line);
		error = keep_word(options, line);
	}
	if (error)
		fb_fail(problem, "arguments", ENOMEM, "out of memory");
	free(line);
	fclose(file);
	return error;
}

static int parse_words(struct fb_options *options, size_t count, char *const *words,
		       const char *in_file, struct fb_problem *problem);

static int set_value(struct fb_options *options, const struct option_entry *entry, char *word,
		     const char *in_file, struct fb_problem *problem)
{
	switch (entry->value) {
	case VALUE_NONE:
	case VALUE_OPTIONAL:
		break;
	case VALUE_TEXT:
		*(const char **)entry->target = word;
		return 0;
	case VALUE_NUMBER:
		return set_number(entry->target, entry->name, word, problem);
	case VALUE_PAIR:
		return add_pair(entry->target, entry->name, word, problem);
	case VALUE_ATTACH:
		return fb_requests_add(entry->target, word, problem);
	case VALUE_LOAD:
		return fb_requests_load(entry->target, word, problem);
	case VALUE_OR:
		return fb_requests_or(entry->target, word, problem);
	case VALUE_UNLESS:
		return fb_requests_unless(entry->target, word, problem);
	case VALUE_ARGS:
		if (in_file || options->owned)
			return fb_fail(problem, "arguments", 0, "%s: --args may be given once",
				       in_file ? in_file : word);
		if (read_args(options, word, problem))
			return -EINVAL;
		return parse_words(options, options->owned_count, options->owned, word, problem);
	}
	return fb_fail(problem, "arguments", 0, "%s takes no value", entry->name);
}

/* The entry for "--name" or "--name=value"; *value is then what follows the '='. */
static const struct option_entry *find(const struct option_entry *table, char *word, char **value)
{
	size_t length = strcspn(word, "=");

	*value = word[length] ? word + length + 1 : NULL;
	for (; table->name; table++)
		if (strlen(table->name) == length && !strncmp(table->name, word, length))
			return table;
	return NULL;
}

static int parse_words(struct fb_options *options, size_t count, char *const *words,
		       const char *in_file, struct fb_problem *problem)
{
	const struct option_entry table[] = {
		{"--attach", VALUE_ATTACH, &options->attach},
		{"--load", VALUE_LOAD, &options->attach},
		{"--or", VALUE_OR, &options->attach},
		{"--optional", VALUE_OPTIONAL, &options->attach},
		{"--unless", VALUE_UNLESS, &options->attach},
		{"--set", VALUE_PAIR, &options->set},
		{"--map", VALUE_PAIR, &options->map},
		{"--metric", VALUE_PAIR, &options->metric},
		{"--textfile", VALUE_TEXT, &options->textfile},
		{"--event", VALUE_PAIR, &options->event},
		{"--trace-buffer", VALUE_NUMBER, &options->trace_buffer},
		{"--spool-limit", VALUE_NUMBER, &options->spool_limit},
		{"--rate-limit", VALUE_NUMBER, &options->rate_limit},
		{"--record-limit", VALUE_NUMBER, &options->record_limit},
		{"--expires", VALUE_NUMBER, &options->expires},
		{"--deadline", VALUE_TEXT, &options->deadline},
		{"--deployment", VALUE_TEXT, &options->deployment},
		{"--program", VALUE_TEXT, &options->program},
		{"--release", VALUE_TEXT, &options->release},
		{"--spool", VALUE_TEXT, &options->spool},
		{"--run", VALUE_TEXT, &options->run},
		{"--btf", VALUE_PAIR, &options->btf},
		{"--args", VALUE_ARGS, NULL},
		{"--check", VALUE_NONE, &options->check},
		{"--mount", VALUE_NONE, &options->mount},
		{"--dump", VALUE_TEXT, &options->dump},
		{"--clean", VALUE_NONE, &options->clean},
		{"--describe", VALUE_NONE, &options->describe},
		{"--help", VALUE_NONE, &options->help},
		{"--supervise", VALUE_NONE, &options->supervise},
		{NULL, VALUE_NONE, NULL},
	};
	int error;

	for (size_t i = 0; words && i < count; i++) {
		char *value;
		const struct option_entry *entry = find(table, words[i], &value);

		if (!entry) {
			fb_hint(problem, "--help lists what there is");
			return fb_fail(problem, "arguments", 0, "unknown option: %s", words[i]);
		}
		if (entry->value == VALUE_NONE && !value) {
			*(bool *)entry->target = true;
			continue;
		}
		if (entry->value == VALUE_OPTIONAL && !value) {
			if (fb_requests_optional(entry->target, problem))
				return -EINVAL;
			continue;
		}
		if (!value && ++i >= count)
			return fb_fail(problem, "arguments", 0, "%s wants a value", entry->name);
		error = set_value(options, entry, value ? value : words[i], in_file, problem);
		if (error)
			return error;
	}
	return 0;
}

/* A label becomes part of a folder's name in tracefs. */
static int check_label(const char *name, const char *label, struct fb_problem *problem)
{
	if (strlen(label) > 64 || strchr(label, '/'))
		return fb_fail(problem, "arguments", 0, "%s %s: want at most 64 characters, no '/'",
			       name, label);
	return 0;
}

int fb_options_parse(struct fb_options *options, int argc, char **argv, const char *program,
		     struct fb_problem *problem)
{
	size_t count = argc > 0 ? (size_t)argc - 1 : 0;

	memset(options, 0, sizeof(*options));
	options->trace_buffer = 4 * MIB;
	options->spool_limit = 256 * MIB;
	options->deployment = "";
	options->program = program;
	options->release = "";
	if (parse_words(options, count, argv + 1, NULL, problem) ||
	    check_label("--deployment", options->deployment, problem) ||
	    /* By hand it is the source's name, which becomes part of nothing. */
	    (options->program != program && check_label("--program", options->program, problem)) ||
	    check_label("--release", options->release, problem))
		return -EINVAL;
	if (options->supervise && !options->spool)
		return fb_fail(problem, "arguments", 0,
			       "--supervise needs --spool: a background "
			       "process has nowhere else to print");
	return 0;
}

static void free_pairs(struct fb_pairs *pairs)
{
	for (size_t i = 0; i < pairs->count; i++) {
		free(pairs->items[i].name);
		free(pairs->items[i].value);
	}
	free(pairs->items);
}

void fb_options_free(struct fb_options *options)
{
	fb_requests_free(&options->attach);
	free_pairs(&options->set);
	free_pairs(&options->map);
	free_pairs(&options->metric);
	free_pairs(&options->event);
	free_pairs(&options->btf);
	for (size_t i = 0; i < options->owned_count; i++)
		free(options->owned[i]);
	free(options->owned);
	memset(options, 0, sizeof(*options));
}
