// SPDX-License-Identifier: Apache-2.0
#include "loader/loader.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "asked/constants.h"
#include "base/folders.h"
#include "base/symbols.h"
#include "events/bpffs.h"
#include "loader/load.h"
#include "loader/map_sizes.h"
#include "spool/state.h"
#include "trace/recover.h"

static void instance_name(const struct fb_options *options, char *name, size_t size)
{
	if (options->deployment[0])
		snprintf(name, size, "fleetbpf.%s.%s.%s", options->deployment, options->program,
			 options->release);
	else
		snprintf(name, size, "fleetbpf.hand.%d", getpid());
}

/*
 * What the loader before this one had not told, if it was killed. Its last step stays until all of
 * that is told: we may be killed as well.
 */
static void recover(struct fb_loader *loader)
{
	struct fb_sink *sink = &loader->sink;
	struct fb_progress *progress = fb_progress_open(loader->options.run);
	struct fb_ring_names names = {.count = loader->rings.count};
	struct fb_untold untold = {};
	char name[FB_INSTANCE_NAME];

	for (size_t i = 0; i < names.count; i++)
		names.items[i] = loader->rings.items[i].ring->name;
	if (progress)
		fb_untold_find(&untold, fb_progress_step(progress), loader->spool.folder, &names);
	instance_name(&loader->options, name, sizeof(name));
	fb_recover(name, progress ? &untold.told : NULL, sink);
	fb_kept_recover(&loader->kept, &loader->rings, progress ? &untold : NULL, sink);
	memset(&sink->told, 0, sizeof(sink->told));
	sink->progress = progress;
	if (progress)
		fb_progress_set(progress, &loader->spool, &sink->told);
}

/* A kernel without what collects prints runs the program all the same. */
static int do_without_trace(struct fb_loader *loader)
{
	struct fb_problem *problem = &loader->problem;
	int error = problem->error;

	/* Another loader of that name, too large a buffer, a user's folder: somebody decides. */
	if (error == EBUSY || error == EEXIST || error == ENOMEM || geteuid() ||
	    !strcmp(problem->stage, FB_FOLDERS))
		return -error;
	fb_warn(&loader->warnings, "what it prints is not collected: %s%s%s%s", problem->message,
		problem->hint[0] ? " (" : "", problem->hint, problem->hint[0] ? ")" : "");
	fb_problem_free(problem);
	fb_instance_remove(&loader->instance);
	return 0;
}

/* Give this object's prints the loader's label, which is the same in each trial. */
static size_t fill_label(struct fb_loader *loader)
{
	size_t labels = fb_label_fill(loader->object, loader->label);

	loader->unlabelled = !labels;
	if (labels)
		snprintf(loader->line_label, sizeof(loader->line_label), "%s: ", loader->label);
	return labels;
}

/* The own tracefs instance; it must collect before the load, or the first lines are lost. */
static int open_trace(struct fb_loader *loader)
{
	const struct fb_options *options = &loader->options;
	char name[FB_INSTANCE_NAME];
	size_t labels;
	int error;

	if (!loader->program->prints || options->check)
		return 0;
	if (loader->instance.pipe >= 0) {
		fill_label(loader);
		return 0;
	}
	instance_name(options, name, sizeof(name));
	error = fb_label_make(loader->label);
	if (error)
		return fb_fail(&loader->problem, "trace", -error, "no random numbers: %s",
			       strerror(-error));
	labels = fill_label(loader);
	error = fb_instance_create(&loader->instance, name, options->trace_buffer, &loader->problem,
				   &loader->warnings);
	if (!error)
		error = fb_instance_filter(&loader->instance, labels ? loader->label : NULL,
					   !labels, &loader->problem);
	return error ? do_without_trace(loader) : 0;
}

int fb_loader_widen_trace(struct fb_loader *loader)
{
	if (loader->instance.pipe < 0 || loader->unlabelled || !fb_label_lacking(loader->object))
		return 0;
	loader->unlabelled = true;
	return fb_instance_filter(&loader->instance, loader->label, 1, &loader->problem);
}

static int open_spool(struct fb_loader *loader)
{
	const struct fb_options *options = &loader->options;
	const struct fb_labels labels = {.deployment = options->deployment,
					 .program = options->program,
					 .release = options->release,
					 .units = loader->program->units};

	int error;

	loader->sink.limits.rate = loader->sink.limits.left = options->rate_limit;
	loader->sink.limits.record = options->record_limit;
	if (!options->spool || options->check)
		return 0;
	loader->sink.spool = &loader->spool;
	error = fb_spool_prepare(&loader->spool, options->spool, options->spool_limit, &labels,
				 &loader->previous, &loader->problem);
	if (!error)
		fb_kept_place(&loader->kept, options);
	return error;
}

static int check_folder(const char *path, struct fb_problem *problem)
{
	const struct fb_way way = {.owner = FB_OURS, .make = true};
	int error = path ? fb_folder_check(path, way, problem) : 0;

	return error ? fb_fail(problem, FB_FOLDERS, -error, "%s: %s", path, strerror(-error)) : 0;
}

/* By hand they are whose they are: the person who names them knows. */
static int check_folders(struct fb_loader *loader)
{
	struct fb_options *options = &loader->options;
	int error;

	if (!options->deployment[0] || options->check)
		return 0;
	error = check_folder(options->run, &loader->problem);
	if (error)
		options->run = NULL; /* nor is the failure told there */
	return error ? error : check_folder(options->spool, &loader->problem);
}

int fb_loader_prepare(struct fb_loader *loader)
{
	int error = check_folders(loader);

	/* The spool's lock first: nothing of a loader that runs may be touched. */
	if (!error)
		error = open_spool(loader);
	fb_symbols_open("/proc/kallsyms");
	return error ? error : fb_state_open(loader->options.run, &loader->problem);
}

int fb_loader_open(struct fb_loader *loader)
{
	const struct fb_program *program = loader->program;
	const struct fb_options *options = &loader->options;
	struct fb_problem *problem = &loader->problem;
	int error;

	loader->object = fb_object_open(program, &options->btf, problem);
	if (!loader->object)
		return -EINVAL;
	fb_map_sizes_complete(loader->object);
	fb_pins_take(&loader->pins, loader->object, &loader->warnings);
	error = fb_constants_set(loader->object, program, &options->set, problem);
	if (!error)
		error = fb_attachments_plan(&loader->attachments, loader->object, program, options,
					    problem);
	if (!error)
		error = fb_readouts_plan(&loader->readouts, program, options, problem);
	if (!error)
		error = fb_rings_plan(&loader->rings, loader->object, program, &options->event,
				      problem);
	if (!error && loader->sink.spool && !loader->recovered) {
		recover(loader);
		loader->recovered = true;
	}
	if (!error)
		error = open_trace(loader);
	return error;
}

static bool has_shared_maps(const struct fb_program *program)
{
	for (size_t i = 0; i < program->map_count; i++)
		if (program->maps[i].shape)
			return true;
	return false;
}

void fb_loader_mount(struct fb_loader *loader)
{
	struct fb_problem *problem = &loader->problem;

	loader->object = fb_object_open(loader->program, &loader->options.btf, problem);
	/* Hooks say themselves what they need. */
	if (loader->object && fb_attachments_plan(&loader->attachments, loader->object,
						  loader->program, &loader->options, problem))
		fb_problem_free(problem);
	if (loader->program->prints)
		fb_tracefs();
	if (loader->program->ring_count || has_shared_maps(loader->program))
		fb_bpffs_mount();
	fb_attachments_free(&loader->attachments);
	bpf_object__close(loader->object);
}

void fb_loader_close(struct fb_loader *loader)
{
	fb_attachments_detach(&loader->attachments);
	fb_readouts_free(&loader->readouts);
	if (loader->recovered) /* then it is ours */
		fb_kept_remove(&loader->kept);
	fb_rings_free(&loader->rings);
	bpf_object__close(loader->object);
	loader->object = NULL;
}
