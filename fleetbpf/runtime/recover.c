// SPDX-License-Identifier: Apache-2.0
#include "recover.h"

#include <bpf/libbpf.h>

#include "clock.h"
#include "trace.h"

static uint64_t count_read(const struct fb_instance *instance)
{
	int cpus = libbpf_num_possible_cpus();
	uint64_t count = 0;

	for (int cpu = 0; cpu < cpus; cpu++)
		count += fb_instance_read(instance, (unsigned int)cpu);
	return count;
}

void fb_recover(const char *name, uint64_t written, struct fb_sink *sink)
{
	struct fb_instance instance;
	char label[64];
	struct fb_trace trace = {.instance = &instance, .sink = sink, .label = label};
	uint64_t read;

	if (fb_instance_reopen(&instance, name, label, sizeof(label)))
		return;
	trace.unlabelled = !label[0];
	fb_instance_stop(&instance);
	read = count_read(&instance);
	if (read > written)
		fb_sink_lost(sink, FB_LOADER, read - written, fb_now());
	fb_trace_read(&trace, SIZE_MAX / 2);
	fb_trace_free(&trace);
	fb_sink_flush(sink);
	fb_instance_remove(&instance);
}
