// SPDX-License-Identifier: Apache-2.0
#include "attach/perf_event.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HARDWARE(config) PERF_TYPE_HARDWARE, PERF_COUNT_HW_##config
#define SOFTWARE(config) PERF_TYPE_SOFTWARE, PERF_COUNT_SW_##config

/* The names that perf(1) has for what can be counted on a whole CPU. */
static const struct event {
	const char *name;
	uint32_t type;
	uint64_t config;
} events[] = {
	{"cpu-clock", SOFTWARE(CPU_CLOCK)},
	{"page-faults", SOFTWARE(PAGE_FAULTS)},
	{"minor-faults", SOFTWARE(PAGE_FAULTS_MIN)},
	{"major-faults", SOFTWARE(PAGE_FAULTS_MAJ)},
	{"context-switches", SOFTWARE(CONTEXT_SWITCHES)},
	{"cpu-migrations", SOFTWARE(CPU_MIGRATIONS)},
	{"cycles", HARDWARE(CPU_CYCLES)},
	{"ref-cycles", HARDWARE(REF_CPU_CYCLES)},
	{"bus-cycles", HARDWARE(BUS_CYCLES)},
	{"instructions", HARDWARE(INSTRUCTIONS)},
	{"branches", HARDWARE(BRANCH_INSTRUCTIONS)},
	{"branch-misses", HARDWARE(BRANCH_MISSES)},
	{"cache-references", HARDWARE(CACHE_REFERENCES)},
	{"cache-misses", HARDWARE(CACHE_MISSES)},
	{"stalled-cycles-frontend", HARDWARE(STALLED_CYCLES_FRONTEND)},
	{"stalled-cycles-backend", HARDWARE(STALLED_CYCLES_BACKEND)},
};

#define EVENTS (sizeof(events) / sizeof(*events))

static const struct event *find(const char *name)
{
	for (size_t i = 0; i < EVENTS; i++)
		if (!strcmp(events[i].name, name))
			return &events[i];
	return NULL;
}

int fb_perf_event_prepare(const struct fb_attachment *attachment, struct fb_problem *problem)
{
	const char *name = attachment->hook->name;
	struct fb_text names = {};

	if (find(name))
		return 0;
	fb_perf_event_names(&names);
	fb_hint(problem, "known:%s", names.used ? names.bytes : "");
	fb_text_free(&names);
	return fb_attach_fail(problem, attachment->function->name, attachment->hook->text, EINVAL,
			      "%s is no event that the loader knows", name);
}

void fb_perf_event_names(struct fb_text *out)
{
	for (size_t i = 0; i < EVENTS; i++)
		fb_text_printf(out, " %s", events[i].name);
}

static int open_on(const struct event *event, size_t frequency, int cpu)
{
	struct perf_event_attr attributes = {
		.size = sizeof(attributes),
		.type = event->type,
		.config = event->config,
		.freq = 1,
		.sample_freq = frequency,
	};
	long fd = syscall(SYS_perf_event_open, &attributes, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : (int)fd;
}

static int attach_on(struct fb_attachment *attachment, const struct event *event, int cpu)
{
	int fd = open_on(event, attachment->hook->frequency, cpu);
	int error;

	if (fd < 0)
		return fd;
	errno = 0;
	error = fb_links_keep(&attachment->links,
			      bpf_program__attach_perf_event(attachment->program, fd));
	if (error) /* else fd is the link's now */
		close(fd);
	return error;
}

int fb_perf_event_attach(struct fb_attachment *attachment)
{
	const struct event *event = find(attachment->hook->name);
	int cpus = libbpf_num_possible_cpus();

	if (!event || cpus < 0)
		return cpus < 0 ? cpus : -EINVAL;
	for (int cpu = 0; cpu < cpus; cpu++) {
		int error = attach_on(attachment, event, cpu);

		if (error && error != -ENODEV) /* it is offline */
			return error;
	}
	return attachment->links.count ? 0 : -ENODEV;
}
