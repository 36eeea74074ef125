// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "attach/privileges.h"
#include "base/clock.h"
#include "base/confine.h"
#include "base/files.h"
#include "base/mounts.h"
#include "base/symbols.h"
#include "loader/load.h"
#include "loader/loader.h"
#include "loader/loop.h"
#include "loader/supervise.h"
#include "loader/tries.h"
#include "maps/dump.h"
#include "spool/state.h"
#include "json/hints.h"

#define FAILED 1
#define USAGE 2
#define CLEANING 60 /* seconds at most */

static const char *start_reason(const struct fb_loader *loader)
{
	if (!loader->previous.number)
		return "first";
	return strcmp(loader->previous.boot_id, loader->spool.boot_id) ? "reboot" : "restart";
}

static void tell_by_hand(const struct fb_loader *loader)
{
	for (size_t i = 0; i < loader->attachments.count; i++)
		fprintf(stderr, "%s: %s is attached to %s\n", loader->program->name,
			loader->attachments.items[i].function->name,
			loader->attachments.items[i].hook->text);
	fprintf(stderr, "%s: Ctrl-C ends it\n", loader->program->name);
}

/* What is still to be done, and by what right. */
static int drop_privileges(struct fb_loader *loader)
{
	const struct fb_options *options = &loader->options;
	unsigned int duties = fb_privileges_for_folders(options);

	if (loader->readouts.count || loader->rings.counter)
		duties |= FB_CALL_BPF;
	duties |= fb_attachments_duties(&loader->attachments);
	return fb_privileges_drop(duties, &loader->capabilities, &loader->problem);
}

static int start(struct fb_loader *loader, struct fb_supervised *supervised)
{
	char boot_id[FB_BOOT_ID];
	struct fb_ready ready = {.supervisor = supervised->supervisor, .boot_id = boot_id};
	int error;

	error = drop_privileges(loader);
	if (error)
		return error;
	fb_confine(FB_TO_RUN);
	malloc_trim(0);
	fb_boot_id(boot_id, sizeof(boot_id));
	fb_mounts_tell("tracefs", &loader->warnings);
	fb_attachments_json(&loader->attachments, &loader->attached);
	fb_choices_warn(&loader->attachments.choices, &loader->warnings);
	fb_sink_start(&loader->sink, loader->attaching, start_reason(loader),
		      loader->previous.stopped, loader->attached.bytes,
		      fb_warnings_json(&loader->warnings));
	fb_sink_flush(&loader->sink);
	ready.instance = loader->instance.pipe < 0 ? "" : loader->instance.name;
	ready.replaced = fb_attachments_replaced(&loader->attachments);
	ready.attached = loader->attached.bytes;
	ready.maps = loader->map_ids.bytes;
	ready.capabilities = loader->capabilities.bytes;
	ready.warnings = fb_warnings_json(&loader->warnings);
	if (loader->sink.spool)
		fb_state_counts(loader->options.run, &loader->spool);
	loader->handoff.options = &loader->options;
	loader->handoff.attachments = &loader->attachments;
	loader->handoff.rings = &loader->rings;
	loader->handoff.trace = &loader->trace;
	loader->handoff.sink = &loader->sink;
	fb_handoff_open(&loader->handoff);
	error = fb_state_ready(loader->options.run, &ready, &loader->problem);
	if (error)
		return error;
	fb_attachments_settle(&loader->attachments);
	if (!loader->options.spool)
		tell_by_hand(loader);
	fb_supervised_ready(supervised);
	return 0;
}

static void go_on(void *context)
{
	size_t taken;
	bool busy;

	fb_loop_round(context, &taken, &busy);
}

/* Nothing printed or submitted before the detachment is lost: detach, read what is left. */
static void stop(struct fb_loader *loader, const char *reason)
{
	int cpus = libbpf_num_possible_cpus();

	fb_notify("STOPPING=1");
	fb_handoff_give(&loader->handoff, go_on, loader);
	fb_attachments_detach(&loader->attachments);
	fb_rings_drain(&loader->rings, &loader->sink);
	fb_readouts_finish(&loader->readouts, &loader->sink);
	if (loader->instance.pipe >= 0) {
		fb_instance_stop(&loader->instance);
		fb_trace_read(&loader->trace, SIZE_MAX / 2);
		fb_trace_account(&loader->trace, cpus > 0 ? (unsigned int)cpus : 1);
	}
	fb_pins_leave(&loader->pins);
	fb_sink_stop(&loader->sink, reason);
	if (loader->sink.spool)
		fb_state_counts(loader->options.run, &loader->spool);
	fb_state_stopped(loader->options.run);
}

static int find_map(void *object, const char *name)
{
	return bpf_object__find_map_fd_by_name(object, name);
}

static int load_and_attach(struct fb_loader *loader)
{
	int error = fb_object_load(loader->object, loader->options.run, &loader->problem);

	if (!error)
		error = fb_loader_widen_trace(loader);
	if (error || loader->options.check)
		return error;
	loader->trace.unlabelled = loader->unlabelled;
	error = fb_rings_open(&loader->rings, &loader->sink, &loader->problem);
	if (!error)
		fb_kept_pin(&loader->kept, &loader->rings, &loader->warnings);
	if (!error)
		error = fb_readouts_open(&loader->readouts, find_map, loader->object,
					 &loader->problem);
	fb_text_cut(&loader->map_ids, 0);
	fb_map_ids_json(loader->object, loader->program, &loader->map_ids);
	loader->attaching = fb_now();
	if (!error)
		error = fb_attachments_attach(&loader->attachments, &loader->problem);
	if (!error)
		fb_pins_keep(&loader->pins, loader->object, &loader->warnings);
	return error;
}

/* Until all works; a hook that does not, and has something in its place, costs another trial. */
static int bring_up(struct fb_loader *loader)
{
	for (;;) {
		int error = fb_loader_open(loader);

		if (error)
			return error;
		error = load_and_attach(loader);
		if (!error || fb_attachments_give_up(&loader->attachments, &loader->problem))
			return error;
		fb_loader_close(loader);
	}
}

/* Its time was over before this start: what a loader that was killed has left is told, no more. */
static int expire(struct fb_loader *loader)
{
	fprintf(stderr, "%s: it has expired\n", loader->program->name);
	if (fb_loader_open(loader))
		fb_problem_free(&loader->problem);
	fb_notify("READY=1"); /* for systemd, an end without it is a failure: it would try again */
	return 0;
}

static int work_through(struct fb_loader *loader, struct fb_supervised *supervised)
{
	int error;

	loader->signals = fb_loop_signals();
	if (loader->signals < 0)
		return fb_fail(&loader->problem, "start", -loader->signals, "signalfd: %s",
			       strerror(-loader->signals));
	fb_wall_open(&loader->wall);
	fb_hints_set_clock(loader->wall.offset); /* for what is read before the loop, or without */
	loader->trace.instance = &loader->instance;
	loader->trace.sink = &loader->sink;
	loader->trace.label = loader->line_label;
	error = fb_deadline_open(&loader->deadline, &loader->options, &loader->problem);
	if (!error)
		error = fb_loader_prepare(loader);
	if (!error && !loader->options.check && fb_deadline_passed(&loader->deadline, fb_now()))
		return expire(loader);
	if (!error)
		error = bring_up(loader);
	if (error || loader->options.check)
		return error;
	error = start(loader, supervised);
	if (!error)
		stop(loader, fb_loop_run(loader));
	return error;
}

static void clean_up(struct fb_loader *loader)
{
	fb_handoff_close(&loader->handoff);
	fb_pins_close(&loader->pins);
	fb_loader_close(loader);
	fb_attachments_free(&loader->attachments);
	fb_symbols_close();
	fb_trace_free(&loader->trace);
	fb_instance_remove(&loader->instance);
	fb_sink_free(&loader->sink);
	if (loader->sink.spool)
		fb_spool_close(&loader->spool);
	fb_text_free(&loader->attached);
	fb_text_free(&loader->map_ids);
	fb_text_free(&loader->capabilities);
	fb_warnings_free(&loader->warnings);
	fb_wall_close(&loader->wall);
	if (loader->signals >= 0)
		close(loader->signals);
	if (!loader->options.deployment[0] || loader->options.check)
		fb_mounts_undo();
}

static int work(void *context, struct fb_supervised *supervised)
{
	struct fb_loader *loader = context;
	int error;

	loader->instance.pipe = -1;
	error = work_through(loader, supervised);
	clean_up(loader);
	if (error) {
		fb_tries_tell(supervised->tries, &loader->problem);
		fb_problem_print(&loader->problem, loader->program->name);
		if (loader->problem.error != EBUSY) /* its state is that of the loader that runs */
			fb_state_failed(loader->options.run, &loader->problem);
	} else if (loader->options.check) {
		printf("%s: this kernel takes it\n", loader->program->name);
	}
	if (!error)
		return 0;
	return supervised->tries < FB_TRIES ? FAILED : FB_GAVE_UP;
}

/* Alone, or started by systemd, which starts us again when we fail. */
static int work_alone(struct fb_loader *loader)
{
	struct fb_supervised alone = {.ready = -1};

	if (loader->options.check ||
	    !fb_tries_begin(loader->options.run, &alone.tries, &loader->problem))
		return work(loader, &alone);
	fb_problem_print(&loader->problem, loader->program->name);
	fb_state_stopped(loader->options.run);
	fb_state_failed(loader->options.run, &loader->problem);
	return FB_GAVE_UP;
}

static int dump(struct fb_loader *loader)
{
	int error = fb_dump(loader->program, &loader->options, &loader->problem);

	if (error)
		fb_problem_print(&loader->problem, loader->program->name);
	return error ? FAILED : 0;
}

static int run(struct fb_loader *loader)
{
	if (loader->options.help) {
		fb_options_usage(loader->program->name);
		return 0;
	}
	if (loader->options.describe) {
		puts(loader->program->description);
		return 0;
	}
	if (loader->options.dump)
		return dump(loader);
	if (loader->options.mount) {
		fb_loader_mount(loader);
		return 0;
	}
	if (loader->options.clean) {
		alarm(CLEANING); /* who calls it has locked the host */
		if (!fb_attachments_clean(loader->program, &loader->options, &loader->problem))
			return 0;
		fb_problem_print(&loader->problem, loader->program->name);
		return FAILED;
	}
	if (loader->options.supervise && !loader->options.check)
		return fb_supervise(work, loader, loader->options.run);
	return work_alone(loader);
}

int fleetbpf_main(int argc, char **argv, const struct fb_program *program)
{
	struct fb_loader loader = {
		.program = program,
		.pins = {.program = program, .options = &loader.options, .folder = -1},
		.signals = -1,
		.wall.timer = -1,
		.handoff = {.door = -1, .peer = -1}};
	int status;

	if (fb_options_parse(&loader.options, argc, argv, program->name, &loader.problem)) {
		fb_problem_print(&loader.problem, program->name);
		if (!loader.options.dump) /* what runs has not failed */
			fb_state_failed(loader.options.run, &loader.problem);
		status = USAGE;
	} else {
		status = run(&loader);
	}
	fb_problem_free(&loader.problem);
	fb_options_free(&loader.options);
	return status;
}
