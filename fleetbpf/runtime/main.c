// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "attach.h"
#include "clock.h"
#include "constants.h"
#include "files.h"
#include "label.h"
#include "load.h"
#include "loop.h"
#include "program.h"
#include "recover.h"
#include "state.h"
#include "supervise.h"

#define FAILED 1
#define USAGE 2

/* One loader at work. */
struct loader {
	const struct fb_program *program;
	struct fb_options options;
	struct fb_problem problem;
	struct bpf_object *object;
	struct fb_attachments attachments;
	struct fb_readouts readouts;
	struct fb_instance instance;
	char label[FB_LABEL];
	char line_label[FB_LABEL_IN_LINE];
	bool unlabelled;
	struct fb_previous previous;
	struct fb_spool spool;
	struct fb_sink sink;
	struct fb_trace trace;
	struct fb_text attached; /* JSON */
	int signals;
};

static void instance_name(const struct fb_options *options, char *name, size_t size)
{
	if (options->deployment[0])
		snprintf(name, size, "fleetbpf.%s.%s.%s", options->deployment, options->program,
			 options->release);
	else
		snprintf(name, size, "fleetbpf.hand.%d", getpid());
}

/* Lines of the loader before this one, if it was killed. */
static void recover(struct loader *loader, const char *name)
{
	struct fb_progress *progress;
	uint64_t written = UINT64_MAX;

	if (!loader->sink.spool)
		return;
	progress = fb_progress_open(loader->options.run);
	if (progress)
		written = fb_progress_written(progress, loader->spool.folder);
	fb_recover(name, written, &loader->sink);
	loader->sink.traced = 0;
	loader->sink.progress = progress;
	if (progress)
		fb_progress_set(progress, &loader->spool, 0);
}

/* The own tracefs instance; it must collect before the load, or the first lines are lost. */
static int open_trace(struct loader *loader)
{
	const struct fb_options *options = &loader->options;
	char name[FB_INSTANCE_NAME];
	size_t labels;
	int error;

	if (!loader->program->prints || options->check)
		return 0;
	instance_name(options, name, sizeof(name));
	recover(loader, name);
	error = fb_label_make(loader->label);
	if (error)
		return fb_fail(&loader->problem, "trace", -error, "no random numbers: %s",
			       strerror(-error));
	labels = fb_label_fill(loader->object, loader->label);
	loader->unlabelled = !labels;
	if (labels)
		snprintf(loader->line_label, sizeof(loader->line_label), "%s: ", loader->label);
	error = fb_instance_create(&loader->instance, name, options->trace_buffer,
				   &loader->problem);
	if (error)
		return error;
	return fb_instance_filter(&loader->instance, labels ? loader->label : NULL, !labels,
				  &loader->problem);
}

/* Now every print can be seen; before the attachment, as nothing runs yet. */
static int widen_trace(struct loader *loader)
{
	if (loader->instance.pipe < 0 || loader->unlabelled || !fb_label_lacking(loader->object))
		return 0;
	loader->unlabelled = true;
	return fb_instance_filter(&loader->instance, loader->label, 1, &loader->problem);
}

static int open_spool(struct loader *loader)
{
	const struct fb_options *options = &loader->options;
	const struct fb_labels labels = {.deployment = options->deployment,
					 .program = options->program,
					 .release = options->release};

	if (!options->spool || options->check)
		return 0;
	loader->sink.spool = &loader->spool;
	return fb_spool_prepare(&loader->spool, options->spool, options->spool_limit, &labels,
				&loader->previous, &loader->problem);
}

static int prepare(struct loader *loader)
{
	const struct fb_program *program = loader->program;
	struct fb_problem *problem = &loader->problem;
	/* The spool's lock first: nothing of a loader that runs may be touched. */
	int error = open_spool(loader);

	if (!error)
		error = fb_state_open(loader->options.run, problem);
	if (error)
		return error;
	loader->object = fb_object_open(program, problem);
	if (!loader->object)
		return -EINVAL;
	error = fb_constants_set(loader->object, program, &loader->options.set, problem);
	if (!error)
		error = fb_attachments_plan(&loader->attachments, loader->object, program,
					    &loader->options.attach, problem);
	if (!error)
		error = fb_readouts_plan(&loader->readouts, loader->object, program,
					 &loader->options.map, problem);
	if (!error)
		error = open_trace(loader);
	return error;
}

static const char *start_reason(const struct loader *loader)
{
	if (!loader->previous.number)
		return "first";
	return strcmp(loader->previous.boot_id, loader->spool.boot_id) ? "reboot" : "restart";
}

static void tell_by_hand(const struct loader *loader)
{
	for (size_t i = 0; i < loader->attachments.count; i++)
		fprintf(stderr, "%s: %s is attached to %s\n", loader->program->name,
			loader->attachments.items[i].function->name,
			loader->attachments.items[i].hook.text);
	fprintf(stderr, "%s: Ctrl-C ends it\n", loader->program->name);
}

static int start(struct loader *loader, struct fb_supervised *supervised)
{
	uint64_t time = fb_now();
	char boot_id[FB_BOOT_ID];
	struct fb_ready ready = {.supervisor = supervised->supervisor, .boot_id = boot_id};
	int error = fb_attachments_attach(&loader->attachments, &loader->problem);

	if (error)
		return error;
	malloc_trim(0);
	fb_boot_id(boot_id, sizeof(boot_id));
	fb_attachments_json(&loader->attachments, &loader->attached);
	fb_sink_start(&loader->sink, time, start_reason(loader), loader->previous.stopped,
		      loader->attached.bytes);
	fb_sink_flush(&loader->sink);
	ready.instance = loader->instance.pipe < 0 ? "" : loader->instance.name;
	ready.attached = loader->attached.bytes;
	error = fb_state_ready(loader->options.run, &ready, &loader->problem);
	if (error)
		return error;
	if (!loader->options.spool)
		tell_by_hand(loader);
	fb_supervised_ready(supervised);
	return 0;
}

/* Nothing printed before the detachment is lost: detach, then read what is left. */
static void stop(struct loader *loader, const char *reason)
{
	int cpus = libbpf_num_possible_cpus();

	fb_notify("STOPPING=1");
	fb_attachments_detach(&loader->attachments);
	fb_readouts_run(&loader->readouts, UINT64_MAX, &loader->sink);
	if (loader->instance.pipe >= 0) {
		fb_instance_stop(&loader->instance);
		fb_trace_read(&loader->trace, SIZE_MAX / 2);
		fb_trace_account(&loader->trace, cpus > 0 ? (unsigned int)cpus : 1);
	}
	fb_sink_stop(&loader->sink, reason);
	fb_state_stopped(loader->options.run);
}

static int work_through(struct loader *loader, struct fb_supervised *supervised)
{
	int error;

	loader->signals = fb_loop_signals();
	if (loader->signals < 0)
		return fb_fail(&loader->problem, "start", -loader->signals, "signalfd: %s",
			       strerror(-loader->signals));
	error = prepare(loader);
	if (!error)
		error = fb_object_load(loader->object, loader->options.run, &loader->problem);
	if (!error)
		error = widen_trace(loader);
	if (error || loader->options.check)
		return error;
	loader->trace.instance = &loader->instance;
	loader->trace.sink = &loader->sink;
	loader->trace.label = loader->line_label;
	loader->trace.unlabelled = loader->unlabelled;
	error = start(loader, supervised);
	if (!error)
		stop(loader, fb_loop_run(loader->signals, &loader->trace, &loader->readouts,
					 &loader->sink));
	return error;
}

static void clean_up(struct loader *loader)
{
	fb_attachments_free(&loader->attachments);
	fb_readouts_free(&loader->readouts);
	bpf_object__close(loader->object);
	fb_trace_free(&loader->trace);
	fb_instance_remove(&loader->instance);
	fb_sink_free(&loader->sink);
	if (loader->sink.spool)
		fb_spool_close(&loader->spool);
	fb_text_free(&loader->attached);
	if (loader->signals >= 0)
		close(loader->signals);
}

static int work(void *context, struct fb_supervised *supervised)
{
	struct loader *loader = context;
	int error;

	loader->instance.pipe = -1;
	error = work_through(loader, supervised);
	clean_up(loader);
	if (error) {
		fb_problem_print(&loader->problem, loader->program->name);
		if (loader->problem.error != EBUSY) /* its state is that of the loader that runs */
			fb_state_failed(loader->options.run, &loader->problem);
	} else if (loader->options.check) {
		printf("%s: this kernel takes it\n", loader->program->name);
	}
	return error ? FAILED : 0;
}

static int run(struct loader *loader)
{
	struct fb_supervised alone = {.ready = -1};

	if (loader->options.help) {
		fb_options_usage(loader->program->name);
		return 0;
	}
	if (loader->options.describe) {
		puts(loader->program->description);
		return 0;
	}
	if (loader->options.supervise && !loader->options.check)
		return fb_supervise(work, loader, loader->options.run);
	return work(loader, &alone);
}

int fleetbpf_main(int argc, char **argv, const struct fb_program *program)
{
	struct loader loader = {.program = program, .signals = -1};
	int status;

	if (fb_options_parse(&loader.options, argc, argv, program->name, &loader.problem)) {
		fb_problem_print(&loader.problem, program->name);
		fb_state_failed(loader.options.run, &loader.problem);
		status = USAGE;
	} else {
		status = run(&loader);
	}
	fb_problem_free(&loader.problem);
	fb_options_free(&loader.options);
	return status;
}
