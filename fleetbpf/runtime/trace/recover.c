// SPDX-License-Identifier: Apache-2.0
#include "trace/recover.h"

#include "base/clock.h"
#include "trace/trace.h"

void fb_recover(const char *name, const struct fb_told *told, struct fb_sink *sink)
{
	struct fb_instance instance;
	char label[64];
	struct fb_trace trace = {.instance = &instance, .sink = sink, .label = label};
	uint64_t lost, before = sink->told.untraced;

	if (fb_instance_reopen(&instance, name, label, sizeof(label), &trace.unlabelled))
		return;
	fb_instance_stop(&instance);
	trace.known = fb_instance_reads(&instance);
	lost = fb_instance_overruns(&instance);
	if (told && trace.known > told->messages)
		fb_sink_lost(sink, FB_LOADER, trace.known - told->messages, fb_now());
	fb_trace_read(&trace, SIZE_MAX / 2);
	fb_trace_account_odd(&trace);
	fb_trace_free(&trace);
	before = sink->told.untraced - before;
	if (told && lost > told->untraced + before)
		fb_sink_untraced(sink, lost - told->untraced - before, fb_now());
	fb_sink_flush(sink);
	fb_instance_remove(&instance);
}
