// SPDX-License-Identifier: Apache-2.0
#include "recover.h"

#include <bpf/libbpf.h>

#include "clock.h"
#include "trace.h"

/* Of all processors' buffers. */
static uint64_t sum(const struct fb_instance *instance,
		    uint64_t (*count)(const struct fb_instance *instance, unsigned int cpu))
{
	int cpus = libbpf_num_possible_cpus();
	uint64_t total = 0;

	for (int cpu = 0; cpu < cpus; cpu++)
		total += count(instance, (unsigned int)cpu);
	return total;
}

void fb_recover(const char *name, const struct fb_told *told, struct fb_sink *sink)
{
	struct fb_instance instance;
	char label[64];
	struct fb_trace trace = {.instance = &instance, .sink = sink, .label = label};
	uint64_t read, lost, before = sink->told.untraced;

	if (fb_instance_reopen(&instance, name, label, sizeof(label)))
		return;
	trace.unlabelled = !label[0];
	fb_instance_stop(&instance);
	read = sum(&instance, fb_instance_read);
	lost = sum(&instance, fb_instance_overrun);
	if (told && read > told->messages)
		fb_sink_lost(sink, FB_LOADER, read - told->messages, fb_now());
	fb_trace_read(&trace, SIZE_MAX / 2);
	fb_trace_free(&trace);
	before = sink->told.untraced - before;
	if (told && lost > told->untraced + before)
		fb_sink_untraced(sink, lost - told->untraced - before, fb_now());
	fb_sink_flush(sink);
	fb_instance_remove(&instance);
}
