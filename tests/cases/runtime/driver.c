// SPDX-License-Identifier: Apache-2.0
/* The runtime's pure parts, one per word, for tests that feed bytes and compare what comes out. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/confine.h"
#include "asked/constants.h"
#include "loader/deadline.h"
#include "attach/elf_symbols.h"
#include "json/encode.h"
#include "base/files.h"
#include "base/folders.h"
#include "attach/functions.h"
#include "json/hints.h"
#include "maps/histogram.h"
#include "asked/hooks.h"
#include "loader/load.h"
#include "maps/metric.h"
#include "asked/options.h"
#include "attach/perf_event.h"
#include "json/pick.h"
#include "events/ring_view.h"
#include "spool/spool.h"
#include "maps/stacks.h"
#include "base/symbols.h"
#include "maps/textfile.h"
#include "trace/trace.h"

static int finish(struct fb_text *out)
{
	fb_text_puts(out, "\n");
	fb_write_all(STDOUT_FILENO, out->bytes, out->used, NULL);
	fb_text_free(out);
	return 0;
}

static struct fb_text read_stdin(void)
{
	struct fb_text in = {};

	fb_text_puts(&in, "");
	fb_file_read("/dev/stdin", &in);
	return in;
}

/* quote: stdin as one JSON string */
static int quote(void)
{
	struct fb_text in = read_stdin(), out = {};

	fb_text_quote(&out, in.bytes, in.used);
	fb_text_free(&in);
	return finish(&out);
}

/* show: stdin as a terminal may have it */
static int show(void)
{
	struct fb_text in = read_stdin(), out = {};

	fb_text_show(&out, in.bytes, in.used);
	fb_text_free(&in);
	return finish(&out);
}

/* replace PATH: the file's new content is stdin */
static int replace(char **words)
{
	struct fb_text in = read_stdin();
	int error = fb_file_replace(words[0], in.bytes, in.used, FB_PRIVATE);

	puts(error ? strerror(-error) : "");
	fb_text_free(&in);
	return 0;
}

/* reach ours|anyone|make PATH: "", or why the folder is refused, and the cure */
static int reach(char **words)
{
	const struct fb_way way = {
		.owner = strcmp(words[0], "anyone") ? FB_OURS : FB_ANYONE,
		.make = !strcmp(words[0], "make"),
	};
	struct fb_problem problem = {};
	int error = fb_folder_check(words[1], way, &problem);

	if (error)
		printf("%s\n%s\n", problem.message[0] ? problem.message : strerror(-error),
		       problem.hint);
	return 0;
}

/* textfile DIR: write stdin there as metrics of d and p, then say "written", or why not */
static int textfile(char **words)
{
	struct fb_problem problem = {};
	struct fb_textfile file = {};
	struct fb_text in = read_stdin();

	if (fb_textfile_plan(&file, words[0], "d", "p", &problem))
		fb_problem_print(&problem, "textfile");
	else
		fb_textfile_write(&file, &in);
	puts(!problem.message[0] && !file.error ? "written" : "");
	fb_text_free(&in);
	return 0;
}

/* confine start|run: what the kernel says then to calls that do nothing */
static int confine(char **words)
{
	char *nothing[] = {NULL};

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	fb_confine(strcmp(words[0], "run") ? FB_TO_START : FB_TO_RUN);
	printf("execve: %s\n", execve("/nowhere", nothing, nothing) ? strerror(errno) : "");
	printf("unshare: %s\n", unshare(0) ? strerror(errno) : "done");
	printf("umount: %s\n", umount2("/nowhere", 0) ? strerror(errno) : "");
	printf("getpid: %s\n", getpid() > 0 ? "done" : "");
	fflush(stdout);
	_exit(0); /* whoever looks for leaks at the end wants to trace us */
}

static void add_line(struct fb_text *out, const struct fb_line *line)
{
	switch (line->kind) {
	case FB_LINE_OTHER:
		fb_text_puts(out, "{}");
		return;
	case FB_LINE_LOST:
		fb_text_printf(out, "{\"cpu\":%u,\"lost\":%" PRIu64 "}", line->cpu, line->lost);
		return;
	case FB_LINE_RECORD:
		fb_text_printf(out,
			       "{\"cpu\":%u,\"pid\":%d,\"time\":%" PRIu64 ",\"comm\":", line->cpu,
			       line->pid, line->time);
		fb_text_quote(out, line->comm, line->comm_length);
		fb_text_puts(out, ",\"text\":");
		fb_text_quote(out, line->text, line->text_length);
		fb_text_puts(out, "}");
	}
}

/* line: stdin, without its last newline, as one line of trace_pipe; in memory of its exact size */
static int line(void)
{
	struct fb_text in = read_stdin(), out = {};
	size_t length = in.used ? in.used - 1 : 0;
	char *exact = malloc(length ? length : 1);
	struct fb_line parsed;

	memcpy(exact, in.bytes, length);
	parsed = fb_line_parse(exact, length);
	add_line(&out, &parsed);
	free(exact);
	fb_text_free(&in);
	return finish(&out);
}

/* feed INSTANCE PIECE LABEL: stdin as trace_pipe, PIECE bytes at a time; records to stdout */
static int feed(char **words)
{
	struct fb_instance instance = {.pipe = -1};
	struct fb_spool spool = {.fd = STDOUT_FILENO, .lock = -1, .segment_size = UINT64_MAX};
	struct fb_sink sink = {.spool = &spool};
	struct fb_trace trace = {.instance = &instance, .sink = &sink, .label = words[2]};
	struct fb_text in = read_stdin();
	size_t piece = strtoul(words[1], NULL, 10);

	snprintf(instance.path, sizeof(instance.path), "%s", words[0]);
	trace.unlabelled = !words[2][0];
	for (size_t done = 0; done < in.used; done += piece)
		fb_trace_feed(&trace, in.bytes + done,
			      in.used - done < piece ? in.used - done : piece);
	fb_trace_settle(&trace);
	fb_trace_account(&trace, 0);
	fb_sink_flush(&sink);
	fb_trace_free(&trace);
	fb_sink_free(&sink);
	fb_text_free(&spool.torn);
	fb_text_free(&in);
	return 0;
}

/* spool DIR LIMIT COUNT BATCH: write COUNT trace records, BATCH at a time */
static int write_spool(char **words)
{
	const struct fb_labels labels = {
		.deployment = "d", .program = "p", .release = "r", .units = ""};
	unsigned long count = strtoul(words[2], NULL, 10), batch = strtoul(words[3], NULL, 10);
	struct fb_problem problem = {};
	struct fb_previous previous;
	struct fb_counts counts = {};
	struct fb_spool spool;
	struct fb_text records = {};

	if (fb_spool_prepare(&spool, words[0], strtoull(words[1], NULL, 10), &labels, &previous,
			     &problem)) {
		fb_problem_print(&problem, "spool");
		return 1;
	}
	for (unsigned long i = 1; i <= count; i++) {
		fb_text_printf(&records, "{\"time\":%lu,\"kind\":\"trace\",\"text\":\"%lu\"}\n", i,
			       i);
		counts.written++;
		if (i % batch && i != count)
			continue;
		fb_spool_write(&spool, records.bytes, records.used, &counts);
		fb_text_cut(&records, 0);
		counts.written = 0;
	}
	printf("{\"previous\":%u,\"stopped\":%s,\"lost_now\":%" PRIu64 ",", previous.number,
	       previous.stopped ? "true" : "false", spool.lost_total);
	fb_text_cut(&records, 0);
	fb_spool_counts(&spool, &records);
	printf("%s}\n", records.bytes);
	fb_text_free(&records);
	fb_spool_close(&spool);
	return 0;
}

/* weigh: how many lines the records on stdin stand for */
static int weigh(void)
{
	struct fb_text in = read_stdin();

	printf("%" PRIu64 "\n", fb_records_weigh(in.bytes, in.used));
	fb_text_free(&in);
	return 0;
}

/* hook TEXT: taken apart */
static int hook(char **words)
{
	struct fb_problem problem = {};
	struct fb_text out = {};
	struct fb_hook parsed;

	if (fb_hook_parse(&parsed, words[0], &problem)) {
		fb_problem_json(&problem, &out);
	} else {
		fb_text_printf(&out, "{\"kind\":\"%s\",\"place\":", parsed.kind->word);
		fb_text_quote_string(&out, parsed.place);
		fb_text_puts(&out, ",\"name\":");
		fb_text_quote_string(&out, parsed.name);
		fb_text_printf(&out, ",\"offset\":%zu", parsed.offset);
		fb_text_printf(&out,
			       ",\"provider\":\"%s\",\"frequency\":%zu,\"pid\":%d,"
			       "\"every\":%" PRIu64 ",\"priority\":%d,\"mode\":%u",
			       parsed.provider, parsed.frequency, parsed.pid, parsed.every,
			       parsed.priority, parsed.mode);
		fb_text_puts(&out, "}");
	}
	return finish(&out);
}

/* functions GLOB AVAILABLE SYMBOLS: the addresses, or the error */
static int functions(char **words)
{
	struct fb_functions found = {};
	struct fb_text out = {};
	int error = fb_functions_find(&found, words[0], words[1], words[2]);

	fb_text_puts(&out, error ? strerror(-error) : "");
	for (size_t i = 0; !error && i < found.count; i++)
		fb_text_printf(&out, "%s%lx", i ? " " : "", found.addresses[i]);
	fb_functions_free(&found);
	return finish(&out);
}

/* events: those a perf_event may name */
static int events(void)
{
	struct fb_text out = {};

	fb_perf_event_names(&out);
	return finish(&out);
}

/* verifier: the decisive lines of the log on stdin */
static int verifier(void)
{
	struct fb_text in = read_stdin(), lines = {}, verdict = {}, out = {};

	fb_verifier_decisive(in.bytes, &lines, &verdict);
	fb_text_puts(&out, "[");
	fb_text_quote_string(&out, verdict.bytes);
	fb_text_puts(&out, ",");
	fb_text_quote_string(&out, lines.bytes);
	fb_text_puts(&out, "]");
	fb_text_free(&in);
	fb_text_free(&lines);
	fb_text_free(&verdict);
	return finish(&out);
}

/* options WORD…: what --attach became, after an --args file perhaps */
static int options(int argc, char **argv)
{
	struct fb_problem problem = {};
	struct fb_options parsed;
	struct fb_text out = {};

	if (fb_options_parse(&parsed, argc, argv, "driver", &problem))
		fb_problem_json(&problem, &out);
	else
		fb_text_puts(&out, "[");
	for (size_t i = 0; !problem.message[0] && i < parsed.attach.count; i++) {
		const struct fb_request *request = &parsed.attach.items[i];

		fb_text_printf(&out, "%s{\"function\":\"%s\",\"optional\":%s,\"unless\":\"%s\",",
			       i ? "," : "", request->function,
			       request->optional ? "true" : "false",
			       request->unless ? request->unless : "");
		fb_text_puts(&out, "\"hooks\":[");
		for (size_t j = 0; j < request->hook_count; j++) {
			fb_text_puts(&out, j ? "," : "");
			fb_text_quote_string(&out, request->hooks[j]);
		}
		fb_text_puts(&out, "]}");
	}
	if (!problem.message[0])
		fb_text_puts(&out, "]");
	fb_options_free(&parsed);
	return finish(&out);
}

static void add_taken(void *context, const unsigned char *bytes, size_t size)
{
	struct fb_text *out = context;

	fb_text_puts(out, out->used ? " " : "");
	for (size_t i = 0; i < size; i++)
		fb_text_printf(out, "%02x", bytes[i]);
	fb_text_puts(out, ".");
}

/* ring FROM TO MOST: the records of a ring, which is stdin, between two positions */
static int ring(char **words)
{
	struct fb_text in = read_stdin(), out = {};
	unsigned long consumer = strtoul(words[0], NULL, 10),
		      producer = strtoul(words[1], NULL, 10);
	/* Of its exact size and aligned, as the kernel's is. */
	unsigned char *data = aligned_alloc(8, in.used);
	struct fb_ring_view view = {
		.consumer = &consumer,
		.producer = &producer,
		.position = consumer,
		.data = data,
		.size = in.used,
	};

	memcpy(data, in.bytes, in.used);
	fb_ring_take(&view, strtoul(words[2], NULL, 10), add_taken, &out);
	fb_ring_release(&view);
	fb_text_printf(&out, "%s%lu", out.used ? " " : "", consumer);
	fb_text_free(&view.straddler);
	fb_text_free(&in);
	free(data);
	return finish(&out);
}

/* encode [SYMBOLS]: the types of tests/unit/test_encoders.py, which are compiled in. */
#ifdef ENCODER
#include ENCODER
static int encode(const char *symbols)
{
	struct fb_text in = read_stdin(), out = {};
	/* Of its exact size, so that a byte too much is seen. */
	unsigned char *exact = malloc(in.used ? in.used : 1);

	memcpy(exact, in.bytes, in.used);
	if (symbols)
		fb_symbols_open(symbols);
	encode_it(&out, exact);
	fb_symbols_close();
	free(exact);
	fb_text_free(&in);
	return finish(&out);
}
#else
static int encode(const char *symbols)
{
	(void)symbols;
	return 1;
}
#endif

/*
 * struct all { u8 small; s16 negative; bool yes; enum colour {RED = 1, GREEN = -2} colour;
 * char text[4]; u32 low : 3; s32 high : 5; struct { u64 inner; }; u16 list[2][2]; float ratio; };
 */
static uint32_t add_types(struct btf *btf)
{
	int u8 = btf__add_int(btf, "u8", 1, 0), s16 = btf__add_int(btf, "s16", 2, BTF_INT_SIGNED);
	int boolean = btf__add_int(btf, "bool", 1, BTF_INT_BOOL);
	int u32 = btf__add_int(btf, "u32", 4, 0), s32 = btf__add_int(btf, "s32", 4, BTF_INT_SIGNED);
	int u64 = btf__add_int(btf, "u64", 8, 0), u16 = btf__add_int(btf, "u16", 2, 0);
	int character = btf__add_int(btf, "char", 1, BTF_INT_SIGNED);
	int real = btf__add_float(btf, "float", 4), colour, text, pair, list, inner, small;

	colour = btf__add_enum(btf, "colour", 4);
	btf__add_enum_value(btf, "RED", 1);
	btf__add_enum_value(btf, "GREEN", -2);
	text = btf__add_array(btf, u32, btf__add_const(btf, btf__add_volatile(btf, character)), 4);
	pair = btf__add_array(btf, u32, u16, 2);
	list = btf__add_array(btf, u32, pair, 2);
	small = btf__add_typedef(btf, "__u8", u8);
	inner = btf__add_struct(btf, NULL, 8);
	btf__add_field(btf, "inner", u64, 0, 0);
	btf__add_struct(btf, "all", 40);
	btf__add_field(btf, "small", small, 0, 0);
	btf__add_field(btf, "negative", s16, 16, 0);
	btf__add_field(btf, "yes", boolean, 32, 0);
	btf__add_field(btf, "colour", colour, 64, 0);
	btf__add_field(btf, "text", text, 96, 0);
	btf__add_field(btf, "low", u32, 128, 3);
	btf__add_field(btf, "high", s32, 131, 5);
	btf__add_field(btf, NULL, inner, 192, 0);
	btf__add_field(btf, "list", list, 256, 0);
	btf__add_field(btf, "ratio", real, 160, 0);
	return btf__type_cnt(btf) - 1;
}

/* constant WAY VALUE: the bytes of that struct, all set before, or the message */
static int constant(char **words)
{
	struct btf *btf = btf__new_empty();
	struct fb_place place = {.btf = btf, .type = add_types(btf)};
	unsigned char *bytes = malloc(40);
	struct fb_problem problem = {};
	struct fb_text out = {};

	memset(bytes, 0xff, 40);
	if (fb_place_follow(&place, words[0], &problem) ||
	    fb_constant_put(&place, words[1], bytes, &problem))
		fb_text_puts(&out, problem.message);
	else
		for (size_t i = 0; i < 40; i++)
			fb_text_printf(&out, "%02x", bytes[i]);
	free(bytes);
	btf__free(btf);
	return finish(&out);
}

/* pick PATH KEY VALUE: what the path leads to in an entry of exactly these bytes */
static int pick(char **words)
{
	struct fb_text entry[2] = {}, out = {};
	struct fb_piece piece;

	for (int i = 0; i < 2; i++) {
		entry[i].used = strlen(words[i + 1]);
		entry[i].bytes = malloc(entry[i].used ? entry[i].used : 1);
		memcpy(entry[i].bytes, words[i + 1], entry[i].used);
	}
	piece = fb_pick_from_entry(&entry[0], &entry[1], words[0]);
	fb_text_add(&out, piece.bytes, piece.length);
	free(entry[0].bytes);
	free(entry[1].bytes);
	return finish(&out);
}

/* histograms STEP {GROUP SLOT COUNT}...: the groups with their buckets */
static int histograms(int argc, char **words)
{
	struct fb_histograms gathered = {};
	struct fb_scale scale = {.step = strtoull(words[0], NULL, 10)};
	struct fb_text out = {};
	size_t extent;

	for (int i = 1; i + 2 < argc; i += 3) {
		fb_histograms_group(&gathered, words[i], strlen(words[i]));
		fb_histograms_add(&gathered, strtoull(words[i + 1], NULL, 10),
				  strtoull(words[i + 2], NULL, 10));
	}
	fb_histograms_settle(&gathered);
	fb_text_puts(&out, "{");
	for (size_t i = 0; i < gathered.count; i += extent) {
		const struct fb_count *first = &gathered.counts[i];

		extent = fb_histograms_extent(&gathered, i);
		fb_text_puts(&out, i ? "," : "");
		fb_text_quote(&out, gathered.groups.bytes + first->group, first->length);
		fb_text_puts(&out, ":");
		fb_buckets_json(&scale, first, extent, &out);
	}
	fb_text_puts(&out, "}");
	fb_histograms_free(&gathered);
	return finish(&out);
}

/* metric WORDS STEP {KEY VALUE}...: the block; of a histogram VALUE is SLOT:COUNT */
static int metric(int argc, char **words)
{
	const struct fb_pair wanted = {.name = (char *)"m", .value = words[0]};
	const struct fb_scale scale = {.step = strtoull(words[1], NULL, 10)};
	struct fb_problem problem = {};
	struct fb_metric planned = {};
	struct fb_text out = {};

	if (fb_metric_plan(&planned, &wanted, &problem))
		fb_text_puts(&out, problem.message);
	for (int i = 2; !out.used && i + 1 < argc; i += 2) {
		struct fb_text key = {.bytes = words[i], .used = strlen(words[i])};
		struct fb_text value = {.bytes = words[i + 1], .used = strlen(words[i + 1])};
		char *colon = strchr(words[i + 1], ':');

		if (!strcmp(planned.type, "histogram"))
			fb_metric_count(&planned, &key, strtoull(words[i + 1], NULL, 10),
					strtoull(colon + 1, NULL, 10));
		else
			fb_metric_add(&planned, &key, &value);
	}
	if (!out.used)
		fb_metric_end(&planned, &scale, true);
	fb_text_add(&out, planned.block.bytes ? planned.block.bytes : "", planned.block.used);
	fb_metric_free(&planned);
	fb_write_all(STDOUT_FILENO, out.bytes, out.used, NULL);
	fb_text_free(&out);
	return 0;
}

/* stack: the frames on stdin */
static int stack(void)
{
	struct fb_text in = read_stdin(), out = {};

	fb_stack_json((const unsigned char *)in.bytes, in.used, &out);
	fb_text_free(&in);
	return finish(&out);
}

/* deadline TEXT BOOT_ID NOW WALL_NOW MOST: when it is over, in seconds since boot */
static int deadline(char **words)
{
	struct fb_deadline deadline = {.most = strtoull(words[4], NULL, 10)};

	if (!fb_deadline_parse(&deadline, words[0], words[1])) {
		puts("none");
		return 0;
	}
	fb_deadline_set_clock(&deadline, strtoull(words[2], NULL, 10) * FB_SECOND,
			      strtoull(words[3], NULL, 10));
	printf("%llu\n", (unsigned long long)(deadline.at / FB_SECOND));
	return 0;
}

/* Where a function lies in a file, or why that is not known. */
static int function_at(char **words)
{
	int fd = open(words[0], O_RDONLY | O_CLOEXEC);
	size_t offset = 0;
	int error = fb_elf_find_function(fd, words[1], &offset);

	close(fd);
	if (error)
		printf("%d\n", error);
	else
		printf("%zx\n", offset);
	return 0;
}

static int tell_error(const char *number)
{
	puts(fb_error_text((int)strtol(number, NULL, 10)));
	return 0;
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";
	char **rest = argv + 2;

	if (!strcmp(word, "quote"))
		return quote();
	if (!strcmp(word, "show"))
		return show();
	if (!strcmp(word, "replace") && argc == 3)
		return replace(rest);
	if (!strcmp(word, "reach") && argc == 4)
		return reach(rest);
	if (!strcmp(word, "textfile") && argc == 3)
		return textfile(rest);
	if (!strcmp(word, "confine") && argc == 3)
		return confine(rest);
	if (!strcmp(word, "line"))
		return line();
	if (!strcmp(word, "feed") && argc == 5)
		return feed(rest);
	if (!strcmp(word, "spool") && argc == 6)
		return write_spool(rest);
	if (!strcmp(word, "weigh"))
		return weigh();
	if (!strcmp(word, "function") && argc == 4)
		return function_at(rest);
	if (!strcmp(word, "error") && argc == 3)
		return tell_error(rest[0]);
	if (!strcmp(word, "hook") && argc == 3)
		return hook(rest);
	if (!strcmp(word, "functions") && argc == 5)
		return functions(rest);
	if (!strcmp(word, "events"))
		return events();
	if (!strcmp(word, "verifier"))
		return verifier();
	if (!strcmp(word, "options"))
		return options(argc - 1, argv + 1);
	if (!strcmp(word, "constant") && argc == 4)
		return constant(rest);
	if (!strcmp(word, "pick") && argc == 5)
		return pick(rest);
	if (!strcmp(word, "histograms") && argc > 2)
		return histograms(argc - 2, rest);
	if (!strcmp(word, "metric") && argc > 3)
		return metric(argc - 2, rest);
	if (!strcmp(word, "deadline") && argc == 7)
		return deadline(rest);
	if (!strcmp(word, "stack"))
		return stack();
	if (!strcmp(word, "ring") && argc == 5)
		return ring(rest);
	if (!strcmp(word, "encode"))
		return encode(rest[0]);
	return 1;
}
