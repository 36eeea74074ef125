// SPDX-License-Identifier: Apache-2.0
#include "trace/tracefs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "base/files.h"
#include "base/folders.h"
#include "base/mounts.h"

#define EVENT "events/bpf_trace/bpf_trace_printk"
#define BY_HAND "fleetbpf.hand."
#define OVERRUN "\noverrun: "
#define PLACE "/sys/kernel/tracing"

/* Where it is mounted, or NULL. */
static const char *find_tracefs(void)
{
	static const char *const places[] = {PLACE, "/sys/kernel/debug/tracing"};
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		snprintf(path, sizeof(path), "%s/instances", places[i]);
		if (!access(path, F_OK))
			return places[i];
	}
	return NULL;
}

const char *fb_tracefs(void)
{
	const char *found = find_tracefs();

	return found || fb_mount("tracefs", PLACE, NULL) ? found : PLACE;
}

/* The same; why there is none. */
static const char *need_tracefs(struct fb_problem *problem)
{
	const char *found = fb_tracefs();

	if (found)
		return found;
	if (access(PLACE, F_OK)) {
		fb_hint(problem, "the kernel needs CONFIG_TRACING and CONFIG_BPF_EVENTS");
		fb_fail(problem, "trace", ENOENT, "this kernel has no tracefs");
		return NULL;
	}
	fb_hint(problem, "mount -t tracefs tracefs " PLACE);
	fb_fail(problem, "trace", EPERM, "tracefs is not mounted at " PLACE);
	return NULL;
}

static int put(const struct fb_instance *instance, const char *file, const char *text)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", instance->path, file);
	return fb_file_put(path, text);
}

/* A loader run by hand and killed leaves its instance: the next one removes it. */
static void remove_leftovers(const char *tracefs)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *folder;

	snprintf(path, sizeof(path), "%s/instances", tracefs);
	folder = opendir(path);
	if (!folder)
		return;
	while ((entry = readdir(folder))) {
		long pid;

		if (strncmp(entry->d_name, BY_HAND, strlen(BY_HAND)) != 0)
			continue;
		pid = strtol(entry->d_name + strlen(BY_HAND), NULL, 10);
		if (pid <= 0 || pid > INT_MAX)
			continue;
		snprintf(path, sizeof(path), "%s/instances/%s", tracefs, entry->d_name);
		if (kill((pid_t)pid, 0) && errno == ESRCH)
			rmdir(path);
	}
	closedir(folder);
}

static int make_folder(const struct fb_instance *instance, struct fb_problem *problem)
{
	int error;

	if (!mkdir(instance->path, 0700))
		return 0;
	if (errno == EEXIST && (!rmdir(instance->path) || errno == ENOENT) &&
	    !mkdir(instance->path, 0700))
		return 0;
	error = errno;
	if (error == EBUSY || error == EEXIST)
		fb_hint(problem, "stop the loader that runs as %s first", instance->name);
	if (error == EACCES || error == EPERM)
		fb_hint(problem, "run it as root");
	return fb_fail(problem, "trace", error, "cannot create the tracefs instance %s: %s",
		       instance->path, strerror(error));
}

/*
 * The kernel's own defaults (TRACE_DEFAULT_FLAGS): a line is then what fb_line_parse() takes apart,
 * and the oldest goes first. Without hash-ptr 6.1 prints no message at all.
 */
static bool is_default(const char *option)
{
	static const char *const defaults[] = {
		"print-parent", "trace_printk", "annotate", "context-info", "record-cmd",
		"overwrite",	"irq-info",	"markers",  "hash-ptr",	    "function-trace"};

	for (size_t i = 0; i < sizeof(defaults) / sizeof(*defaults); i++)
		if (!strcmp(option, defaults[i]))
			return true;
	return false;
}

/*
 * New instances inherit what somebody set globally, and many options change what a line is (fields,
 * stacktrace, record-tgid, …): all get their defaults. Each kernel lists its own.
 */
static void set_line_shape(const struct fb_instance *instance)
{
	struct fb_text options = {};
	char path[PATH_MAX], word[64];
	char *line, *rest = NULL;

	snprintf(path, sizeof(path), "%s/trace_options", instance->path);
	if (!fb_file_read(path, &options) && options.used)
		rest = options.bytes;
	while ((line = strsep(&rest, "\n"))) {
		bool on = strncmp(line, "no", 2) != 0; /* no option's own name begins so */
		const char *name = on ? line : line + 2;

		if (!*name || on == is_default(name))
			continue;
		snprintf(word, sizeof(word), "%s%s", on ? "no" : "", name);
		put(instance, "trace_options", word); /* one of a tracer may refuse: no matter */
	}
	fb_text_free(&options);
}

static int set_up(struct fb_instance *instance, uint64_t buffer_bytes, struct fb_problem *problem,
		  struct fb_warnings *warnings)
{
	char kilobytes[32];
	int error;

	/* The clock first: setting it empties the buffers, and they are small yet. */
	error = put(instance, "trace_clock", "boot");
	if (error)
		fb_warn(warnings, "no trace clock `boot` (%s): a line's time is when it was read",
			strerror(-error));
	instance->timeless = error;
	snprintf(kilobytes, sizeof(kilobytes), "%llu",
		 (unsigned long long)(buffer_bytes < 1024 ? 1 : buffer_bytes / 1024));
	error = put(instance, "buffer_size_kb", kilobytes);
	if (error) {
		fb_hint(problem, "a smaller --trace-buffer needs less memory: it is per CPU");
		return fb_fail(problem, "trace", -error,
			       "cannot set a trace buffer of %s KiB per "
			       "CPU: %s",
			       kilobytes, strerror(-error));
	}
	put(instance, "buffer_percent", "0"); /* poll wakes for the first line; since 4.21 */
	set_line_shape(instance);
	return 0;
}

static int open_pipe(struct fb_instance *instance, struct fb_problem *problem)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/trace_pipe", instance->path);
	instance->pipe = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (instance->pipe < 0)
		return fb_fail(problem, "trace", errno, "cannot open %s: %s", path,
			       strerror(errno));
	return 0;
}

int fb_instance_create(struct fb_instance *instance, const char *name, uint64_t buffer_bytes,
		       struct fb_problem *problem, struct fb_warnings *warnings)
{
	const char *tracefs = need_tracefs(problem);
	int error;

	instance->pipe = -1;
	instance->path[0] = '\0';
	if (!tracefs)
		return -ENOENT;
	snprintf(instance->path, sizeof(instance->path), "%s/instances", tracefs);
	error = fb_folder_check(instance->path, (struct fb_way){.owner = FB_OURS}, problem);
	instance->path[0] = '\0';
	if (error)
		return fb_fail(problem, "trace", -error, "cannot use %s/instances: %s", tracefs,
			       strerror(-error));
	remove_leftovers(tracefs);
	snprintf(instance->name, sizeof(instance->name), "%s", name);
	snprintf(instance->path, sizeof(instance->path), "%s/instances/%s", tracefs, name);
	if (make_folder(instance, problem)) {
		instance->path[0] = '\0';
		return -EINVAL;
	}
	if (set_up(instance, buffer_bytes, problem, warnings) || open_pipe(instance, problem))
		return -EINVAL;
	return 0;
}

int fb_instance_reopen(struct fb_instance *instance, const char *name, char *label, size_t size,
		       bool *unlabelled)
{
	const char *tracefs = find_tracefs();
	struct fb_problem ignored = {};
	struct fb_text filter = {};
	char path[PATH_MAX];
	const char *at;
	int error;

	instance->pipe = -1;
	label[0] = '\0';
	if (!tracefs)
		return -ENOENT;
	snprintf(instance->name, sizeof(instance->name), "%s", name);
	snprintf(instance->path, sizeof(instance->path), "%s/instances/%s", tracefs, name);
	snprintf(path, sizeof(path), "%s/" EVENT "/filter", instance->path);
	error = fb_file_read(path, &filter);
	at = !error && filter.used ? strstr(filter.bytes, "~ \"fb@") : NULL;
	if (at && strncmp(at, "~ \"fb@*", 7) != 0)
		snprintf(label, size, "%.*s: ", (int)strcspn(at + 3, "*\""), at + 3);
	*unlabelled = !label[0] || strstr(filter.bytes, "!(");
	fb_text_free(&filter);
	return error ? error : open_pipe(instance, &ignored);
}

int fb_instance_filter(const struct fb_instance *instance, const char *label, int unlabelled,
		       struct fb_problem *problem)
{
	char filter[128] = "0"; /* no filter */
	int error;

	if (label && unlabelled)
		snprintf(filter, sizeof(filter), "bpf_string ~ \"%s*\" || !(bpf_string ~ \"fb@*\")",
			 label);
	else if (label)
		snprintf(filter, sizeof(filter), "bpf_string ~ \"%s*\"", label);
	else
		snprintf(filter, sizeof(filter), "!(bpf_string ~ \"fb@*\")");
	error = put(instance, EVENT "/filter", filter);
	if (!error)
		error = put(instance, EVENT "/enable", "1");
	if (error) {
		fb_hint(problem, "the kernel must be 5.9 or newer and have CONFIG_BPF_EVENTS");
		return fb_fail(problem, "trace", -error, "cannot enable %s/" EVENT ": %s",
			       instance->path, strerror(-error));
	}
	return 0;
}

void fb_instance_stop(const struct fb_instance *instance)
{
	if (instance->path[0])
		put(instance, EVENT "/enable", "0");
}

void fb_instance_remove(struct fb_instance *instance)
{
	if (instance->pipe >= 0)
		close(instance->pipe);
	instance->pipe = -1;
	if (instance->path[0] && rmdir(instance->path))
		fprintf(stderr, "cannot remove %s: %s\n", instance->path, strerror(errno));
	instance->path[0] = '\0';
}

/* A number in the statistics of one CPU's buffer: "\noverrun: ". */
static uint64_t statistic(const struct fb_instance *instance, unsigned int cpu, const char *key)
{
	struct fb_text stats = {};
	char path[PATH_MAX];
	uint64_t count = 0;
	const char *at;

	snprintf(path, sizeof(path), "%s/per_cpu/cpu%u/stats", instance->path, cpu);
	if (!fb_file_read(path, &stats) && stats.used) {
		at = strstr(stats.bytes, key);
		if (at)
			count = strtoull(at + strlen(key), NULL, 10);
	}
	fb_text_free(&stats);
	return count;
}

static uint64_t sum(const struct fb_instance *instance, const char *key)
{
	int cpus = libbpf_num_possible_cpus();
	uint64_t total = 0;

	for (int cpu = 0; cpu < cpus; cpu++)
		total += statistic(instance, (unsigned int)cpu, key);
	return total;
}

uint64_t fb_instance_overrun(const struct fb_instance *instance, unsigned int cpu)
{
	return statistic(instance, cpu, OVERRUN);
}

uint64_t fb_instance_overruns(const struct fb_instance *instance)
{
	return sum(instance, OVERRUN);
}

uint64_t fb_instance_reads(const struct fb_instance *instance)
{
	return sum(instance, "\nread events: ");
}
