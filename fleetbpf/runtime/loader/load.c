// SPDX-License-Identifier: Apache-2.0
#include "loader/load.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "loader/map_sizes.h"
#include "spool/state.h"

#define STAGE "load"
#define BTF "/sys/kernel/btf/vmlinux"
#define LOG_SIZE ((size_t)16 << 20) /* untouched pages of it cost nothing */
#define DECISIVE_LINES 6

/* What libbpf warned of first: the reason where the kernel gave no log. */
static char last_warning[512];

/* The function that it was about, or "": libbpf tells it in no other way. */
static char warned_of[64];

static int keep_warning(enum libbpf_print_level level, const char *format, va_list arguments)
{
	static const char about[] = "libbpf: prog '%s': ";
	va_list copied;

	if (level != LIBBPF_WARN || last_warning[0])
		return 0;
	if (!strncmp(format, about, sizeof(about) - 1)) {
		va_copy(copied, arguments);
		snprintf(warned_of, sizeof(warned_of), "%s", va_arg(copied, const char *));
		va_end(copied);
	}
	vsnprintf(last_warning, sizeof(last_warning), format, arguments);
	last_warning[strcspn(last_warning, "\n")] = '\0';
	return 0;
}

/* The file for the kernel that runs: another may have been booted since the files were given. */
static const char *given_btf(const struct fb_pairs *given)
{
	struct utsname kernel = {};

	uname(&kernel);
	for (size_t i = 0; i < given->count; i++)
		if (!strcmp(given->items[i].name, kernel.release))
			return given->items[i].value;
	return NULL;
}

/* Where the types are that the object is fitted to; *path is NULL for the kernel's own. */
static int find_btf(const struct fb_pairs *given, const char **path, struct fb_problem *problem)
{
	*path = given_btf(given);
	if (!access(*path ? *path : BTF, R_OK))
		return 0;
	if (*path)
		return fb_fail(problem, "open", errno, "--btf %s: %s", *path, strerror(errno));
	fb_hint(problem, "it needs a kernel with CONFIG_DEBUG_INFO_BTF=y, or --btf RELEASE=FILE");
	return fb_fail(problem, "open", ENOENT, "this kernel has no BTF (" BTF ")");
}

struct bpf_object *fb_object_open(const struct fb_program *program, const struct fb_pairs *btf,
				  struct fb_problem *problem)
{
	LIBBPF_OPTS(bpf_object_open_opts, options);
	struct bpf_object *object;
	int error;

	libbpf_set_print(keep_warning);
	if (program->needs_btf && find_btf(btf, &options.btf_custom_path, problem))
		return NULL;
	options.object_name = program->name;
	object = bpf_object__open_mem(program->elf, program->elf_size, &options);
	if (object)
		return object;
	error = errno;
	fb_fail(problem, "open", error, "cannot open the object: %s",
		last_warning[0] ? last_warning : fb_error_text(error));
	return NULL;
}

/* Kernels before 5.11 count maps as locked memory; on later ones it does not matter. */
static void raise_memlock(void)
{
	const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};

	setrlimit(RLIMIT_MEMLOCK, &unlimited);
}

/* The start of the line that ends (exclusive) at `end`. */
static const char *line_start(const char *log, const char *end)
{
	while (end > log && end[-1] != '\n')
		end--;
	return end;
}

/* The last place where `text` begins; NULL where there is none. */
static const char *last_of(const char *log, const char *text)
{
	const char *found = NULL;

	for (const char *at = strstr(log, text); at; at = strstr(at + 1, text))
		found = at;
	return found;
}

/* Where the complaint ends: kernel 7.3 explains it at length, all add statistics. */
static const char *complaint_end(const char *log)
{
	const char *end = last_of(log, "\nVerification failed: ");

	if (!end)
		end = last_of(log, "\nprocessed ");
	return end ? end : log + strlen(log);
}

void fb_verifier_decisive(const char *log, struct fb_text *lines, struct fb_text *verdict)
{
	const char *end = complaint_end(log), *start;
	int count = 0;

	while (end > log && end[-1] == '\n')
		end--;
	start = line_start(log, end);
	fb_text_add(verdict, start, (size_t)(end - start));
	while (start > log && ++count < DECISIVE_LINES)
		start = line_start(log, start - 1);
	fb_text_add(lines, start, (size_t)(end - start));
	fb_text_puts(lines, "\n");
}

static void free_logs(struct bpf_object *object)
{
	struct bpf_program *program;

	bpf_object__for_each_program (program, object) {
		size_t size = 0;
		const char *log = bpf_program__log_buf(program, &size);

		if (!log)
			continue;
		bpf_program__set_log_buf(program, NULL, 0);
		munmap((void *)log, size);
	}
}

/* A log for each function: the one that is not empty names the function that was refused. */
static void give_logs(struct bpf_object *object)
{
	struct bpf_program *program;

	bpf_object__for_each_program (program, object) {
		void *log;

		if (!bpf_program__autoload(program))
			continue;
		log = mmap(NULL, LOG_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (log != MAP_FAILED && bpf_program__set_log_buf(program, log, LOG_SIZE))
			munmap(log, LOG_SIZE);
	}
}

static const struct bpf_program *refused(const struct bpf_object *object, const char **log)
{
	struct bpf_program *program;

	bpf_object__for_each_program (program, object) {
		size_t size = 0;

		*log = bpf_program__log_buf(program, &size);
		if (*log && **log)
			return program;
	}
	return NULL;
}

/* What is behind a verdict, where we know better. */
static const char *reason_of(const char *verdict)
{
	if (strstr(verdict, "unknown#177")) /* bpf_trace_vprintk */
		return "bpf_printk with more than three arguments needs kernel 5.16";
	return verdict;
}

static int explain_log(const struct bpf_program *program, const char *log, int error,
		       const char *run, struct fb_problem *problem)
{
	struct fb_text verdict = {};
	struct utsname kernel = {};
	char path[PATH_MAX];

	uname(&kernel);
	fb_verifier_decisive(log, &problem->more, &verdict);
	fb_problem_at(problem, bpf_program__name(program), bpf_program__section_name(program));
	fb_state_verifier_log(run, log, path, sizeof(path));
	if (path[0])
		fb_hint(problem, "the whole log of the verifier is in %s", path);
	fb_fail(problem, "verifier", error, "the verifier of kernel %s refused %s: %s",
		kernel.release, bpf_program__name(program),
		verdict.used ? reason_of(verdict.bytes) : "no reason given");
	fb_text_free(&verdict);
	return -error;
}

static int explain(struct bpf_object *object, int error, const char *run,
		   struct fb_problem *problem)
{
	const char *log = NULL;
	const struct bpf_program *program = refused(object, &log);
	struct utsname kernel = {};

	if (program)
		return explain_log(program, log, error, run, problem);
	uname(&kernel);
	if (warned_of[0])
		fb_problem_at(problem, warned_of, "");
	if (error == EPERM && geteuid())
		fb_hint(problem, "run it as root");
	return fb_fail(problem, STAGE, error, "kernel %s refused to load it: %s (%s)",
		       kernel.release, fb_error_text(error),
		       last_warning[0] ? last_warning : "no more is known");
}

int fb_object_load(struct bpf_object *object, const char *run, struct fb_problem *problem)
{
	struct fb_inner_maps inner = {};
	int error;

	raise_memlock();
	last_warning[0] = '\0';
	warned_of[0] = '\0';
	give_logs(object);
	error = -fb_inner_maps_make(&inner, object);
	if (!error)
		error = -bpf_object__load(object);
	fb_inner_maps_close(&inner);
	if (error)
		explain(object, error, run, problem);
	free_logs(object);
	return -error;
}
