// SPDX-License-Identifier: Apache-2.0
#include "maps/dump.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/files.h"
#include "base/symbols.h"
#include "maps/readout.h"
#include "json/pick.h"

#define STAGE "dump"
#define ALL "all"

void fb_map_ids_json(const struct bpf_object *object, const struct fb_program *program,
		     struct fb_text *out)
{
	const char *before = "{";

	for (size_t i = 0; i < program->map_count; i++) {
		const struct fb_map *map = &program->maps[i];
		struct bpf_map_info info = {};
		uint32_t size = sizeof(info);
		int fd = bpf_object__find_map_fd_by_name(object, map->name);

		if (fd < 0 || !fb_map_can_be_read((enum bpf_map_type)map->type) ||
		    bpf_obj_get_info_by_fd(fd, &info, &size))
			continue;
		fb_text_puts(out, before);
		fb_text_quote_string(out, map->name);
		fb_text_printf(out, ":%u", info.id);
		before = ",";
	}
	fb_text_puts(out, *before == '{' ? "{}" : "}");
}

static int not_running(const struct fb_program *program, struct fb_problem *problem)
{
	return fb_fail(problem, STAGE, ESRCH, "%s does not run", program->name);
}

static int read_state(const struct fb_program *program, const char *folder, struct fb_text *state,
		      struct fb_problem *problem)
{
	char path[PATH_MAX];
	int error;

	if (!folder)
		return fb_fail(problem, STAGE, 0,
			       "--dump needs --run: where the loader's state is");
	snprintf(path, sizeof(path), "%s/state", folder);
	error = fb_file_read(path, state);
	if (error == -ENOENT)
		return not_running(program, problem);
	return error ? fb_fail(problem, STAGE, -error, "%s: %s", path, fb_error_text(-error)) : 0;
}

/* An fb_map_lookup: by the id in the state; the caller closes what it opens by the process's end.
 */
static int find_by_id(void *context, const char *name)
{
	const struct fb_text *state = context;
	struct fb_piece ids = fb_pick(state->bytes, state->used, ".maps");
	char way[BPF_OBJ_NAME_LEN + 256];
	long long id;
	int fd;

	snprintf(way, sizeof(way), ".%s", name);
	if (!fb_piece_integer(fb_pick(ids.bytes, ids.length, way), &id))
		return -ENOENT;
	fd = bpf_map_get_fd_by_id((uint32_t)id);
	return fd < 0 ? -errno : fd;
}

static int dump_one(const struct fb_program *program, const struct fb_pair *wanted,
		    struct fb_text *state, struct fb_sink *sink, struct fb_problem *problem)
{
	const struct fb_pairs none = {};
	struct fb_readout readout = {};
	struct fb_problem own = {};
	int error = fb_readout_plan(&readout, program, wanted, &none, problem);

	if (!error && fb_readout_open(&readout, find_by_id, state, &own))
		error = own.error == ENOENT ? not_running(program, problem)
					    : fb_fail(problem, STAGE, own.error, "%s", own.message);
	readout.clear = false; /* who looks on changes nothing */
	if (!error)
		fb_readout_run(&readout, sink);
	fb_readout_free(&readout);
	return error;
}

/* As --map says, if it names the map; else as it is. */
static struct fb_pair as_wanted(const struct fb_options *options, const char *name)
{
	for (size_t i = 0; i < options->map.count; i++)
		if (!strcmp(options->map.items[i].name, name))
			return options->map.items[i];
	return (struct fb_pair){.name = (char *)name, .value = (char *)"1"};
}

static int dump_maps(const struct fb_program *program, const struct fb_options *options,
		     struct fb_text *state, struct fb_sink *sink, struct fb_problem *problem)
{
	bool all = !strcmp(options->dump, ALL);
	struct fb_pair wanted = as_wanted(options, options->dump);
	int error = 0;

	if (!all)
		return dump_one(program, &wanted, state, sink, problem);
	for (size_t i = 0; !error && i < program->map_count; i++) {
		if (!fb_map_can_be_read((enum bpf_map_type)program->maps[i].type))
			continue;
		wanted = as_wanted(options, program->maps[i].name);
		error = dump_one(program, &wanted, state, sink, problem);
	}
	return error;
}

int fb_dump(const struct fb_program *program, const struct fb_options *options,
	    struct fb_problem *problem)
{
	struct fb_sink sink = {.json = true};
	struct fb_text state = {};
	int error = read_state(program, options->run, &state, problem);

	if (!error) {
		fb_symbols_open("/proc/kallsyms");
		fb_hints_set_clock(fb_clock_offset());
		fb_text_printf(&sink.batch, "{\"clock_offset_ns\":%" PRId64 "}\n",
			       fb_clock_offset());
		error = dump_maps(program, options, &state, &sink, problem);
		fb_sink_flush(&sink);
		fb_symbols_close();
	}
	fb_sink_free(&sink);
	fb_text_free(&state);
	return error;
}
