// SPDX-License-Identifier: Apache-2.0
#include "maps.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

#define STAGE "maps"
#define BLOCK (64 * 1024) /* bytes of keys and values asked for at once */

/* How the entries of a map lie in a reply. */
struct layout {
	int fd;
	size_t key_size;
	size_t value_size; /* of one processor's value */
	size_t stride;	   /* of all processors' values */
	size_t processors; /* 0: not a per-CPU map */
};

static bool is_per_cpu(enum bpf_map_type type)
{
	return type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_PERCPU_ARRAY ||
	       type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

static bool can_be_read(enum bpf_map_type type)
{
	return is_per_cpu(type) || type == BPF_MAP_TYPE_HASH || type == BPF_MAP_TYPE_ARRAY ||
	       type == BPF_MAP_TYPE_LRU_HASH || type == BPF_MAP_TYPE_LPM_TRIE;
}

static struct layout layout_of(const struct bpf_map *map)
{
	struct layout layout = {
		.fd = bpf_map__fd(map),
		.key_size = bpf_map__key_size(map),
		.value_size = bpf_map__value_size(map),
		.stride = bpf_map__value_size(map),
	};
	int processors = libbpf_num_possible_cpus();

	if (is_per_cpu(bpf_map__type(map)) && processors > 0) {
		layout.processors = (size_t)processors;
		/* The kernel gives each processor's value on an 8-byte border. */
		layout.stride = (layout.value_size + 7) / 8 * 8 * layout.processors;
	}
	return layout;
}

static int parse_seconds(const struct fb_pair *pair, uint64_t *every, struct fb_problem *problem)
{
	char *end;
	double seconds = strtod(pair->value, &end);

	if (end == pair->value || *end || !isfinite(seconds) || seconds < 0.1 || seconds > 1e6)
		return fb_fail(problem, STAGE, 0, "--map %s=%s: want seconds, from 0.1 to 1000000",
			       pair->name, pair->value);
	*every = (uint64_t)(seconds * (double)FB_SECOND);
	return 0;
}

static const struct fb_map *find(const struct fb_program *program, const char *name,
				 struct fb_problem *problem)
{
	struct fb_text names = {};

	for (size_t i = 0; i < program->map_count; i++) {
		if (!strcmp(program->maps[i].name, name)) {
			fb_text_free(&names);
			return &program->maps[i];
		}
		fb_text_printf(&names, " %s", program->maps[i].name);
	}
	fb_hint(problem, "its maps:%s", names.used ? names.bytes : " none");
	fb_text_free(&names);
	fb_fail(problem, STAGE, ENOENT, "--map %s: %s has no such map", name, program->name);
	return NULL;
}

static int plan(struct fb_readout *readout, const struct bpf_object *object,
		const struct fb_program *program, const struct fb_pair *wanted,
		struct fb_problem *problem)
{
	readout->map = find(program, wanted->name, problem);
	if (!readout->map || parse_seconds(wanted, &readout->every, problem))
		return -EINVAL;
	readout->live = bpf_object__find_map_by_name(object, wanted->name);
	if (!readout->live)
		return fb_fail(problem, STAGE, ENOENT, "the object has no map %s", wanted->name);
	if (!can_be_read(bpf_map__type(readout->live))) {
		fb_hint(problem, "hash, array, LRU and per-CPU maps, and LPM tries can");
		return fb_fail(problem, STAGE, EOPNOTSUPP,
			       "--map %s: a map of this type (%s) cannot be read out", wanted->name,
			       libbpf_bpf_map_type_str(bpf_map__type(readout->live)));
	}
	readout->due = fb_now() + readout->every;
	return 0;
}

int fb_readouts_plan(struct fb_readouts *readouts, const struct bpf_object *object,
		     const struct fb_program *program, const struct fb_pairs *wanted,
		     struct fb_problem *problem)
{
	if (!wanted->count)
		return 0;
	readouts->items = calloc(wanted->count, sizeof(*readouts->items));
	if (!readouts->items)
		return fb_fail(problem, STAGE, ENOMEM, "out of memory");
	for (; readouts->count < wanted->count; readouts->count++)
		if (plan(&readouts->items[readouts->count], object, program,
			 &wanted->items[readouts->count], problem))
			return -EINVAL;
	return 0;
}

static void add_entry(const struct fb_map *map, const struct layout *layout,
		      const unsigned char *key, const unsigned char *value, struct fb_sink *sink)
{
	struct fb_text *out = fb_sink_map_key(sink);
	size_t step = layout->processors ? layout->stride / layout->processors : 0;

	map->key(out, key);
	out = fb_sink_map_value(sink);
	if (!layout->processors)
		map->value(out, value);
	for (size_t i = 0; i < layout->processors; i++) {
		fb_text_puts(out, i ? "," : "[");
		map->value(out, value + i * step);
	}
	if (layout->processors)
		fb_text_puts(out, "]");
	fb_sink_map_entry_end(sink);
}

/* Room for one reply of the kernel. */
struct block {
	uint32_t count;
	unsigned char *keys;
	unsigned char *values;
};

static int resize(struct block *block, const struct layout *layout, uint32_t count)
{
	unsigned char *keys = realloc(block->keys, count * layout->key_size);
	unsigned char *values = realloc(block->values, count * layout->stride);

	block->keys = keys ? keys : block->keys;
	block->values = values ? values : block->values;
	block->count = count;
	return keys && values ? 0 : -ENOMEM;
}

/*
 * One system call for many entries: kernel 5.6 has it for hashes and arrays, others later.
 * -ENOSPC: a bucket of a hash does not fit whole; nothing was read, more room is asked for.
 * Returns -EOPNOTSUPP before anything was read where this type of map has no batches.
 */
static int read_batches(const struct fb_map *map, const struct layout *layout, struct block *block,
			uint32_t most, struct fb_sink *sink)
{
	/* The position: a bucket's number for a hash, a key for others. */
	unsigned char *position = calloc(1, layout->key_size + 8);
	bool started = false;
	int error = position ? 0 : -ENOMEM;

	while (!error) {
		uint32_t count = block->count;

		error = bpf_map_lookup_batch(layout->fd, started ? position : NULL, position,
					     block->keys, block->values, &count, NULL);
		if (error == -ENOSPC && block->count < most) {
			error = resize(block, layout, block->count * 2);
			continue;
		}
		if (error && error != -ENOENT)
			break;
		for (uint32_t i = 0; i < count; i++)
			add_entry(map, layout, block->keys + i * layout->key_size,
				  block->values + i * layout->stride, sink);
		started = true;
	}
	free(position);
	if (error == -ENOENT)
		return 0;
	return started || error == -ENOSPC || error == -ENOMEM ? error : -EOPNOTSUPP;
}

static int read_one_by_one(const struct fb_map *map, const struct layout *layout, uint64_t most,
			   struct fb_sink *sink)
{
	unsigned char *key = malloc(layout->key_size), *value = malloc(layout->stride);
	bool started = false;
	int error = key && value ? 0 : -ENOMEM;

	/* A key deleted meanwhile sends the walk back to the start: bounded, then. */
	while (!error && most--) {
		if (bpf_map_get_next_key(layout->fd, started ? key : NULL, key))
			break;
		started = true;
		if (!bpf_map_lookup_elem(layout->fd, key, value))
			add_entry(map, layout, key, value, sink);
	}
	free(key);
	free(value);
	return error;
}

static int read_map(struct fb_readout *readout, struct fb_sink *sink)
{
	struct layout layout = layout_of(readout->live);
	size_t entry = layout.key_size + layout.stride;
	uint32_t most = bpf_map__max_entries(readout->live);
	uint32_t wanted = entry < BLOCK ? (uint32_t)(BLOCK / entry) : 1;
	struct block block = {};
	int error = -EOPNOTSUPP;

	if (!readout->one_by_one) {
		error = resize(&block, &layout, wanted < most ? wanted : most);
		if (!error)
			error = read_batches(readout->map, &layout, &block, most, sink);
		free(block.keys);
		free(block.values);
	}
	if (error != -EOPNOTSUPP)
		return error;
	readout->one_by_one = true;
	return read_one_by_one(readout->map, &layout, most, sink);
}

void fb_readouts_run(struct fb_readouts *readouts, uint64_t now, struct fb_sink *sink)
{
	for (size_t i = 0; i < readouts->count; i++) {
		struct fb_readout *readout = &readouts->items[i];
		int error;

		if (readout->due > now)
			continue;
		fb_sink_map_begin(sink, readout->map->name);
		error = read_map(readout, sink);
		fb_sink_map_end(sink);
		if (error)
			fprintf(stderr, "cannot read the map %s: %s\n", readout->map->name,
				strerror(-error));
		readout->due += readout->every;
		if (now != UINT64_MAX && readout->due <= now) /* slept through some: no burst */
			readout->due = now + readout->every;
	}
}

uint64_t fb_readouts_due(const struct fb_readouts *readouts)
{
	uint64_t due = UINT64_MAX;

	for (size_t i = 0; i < readouts->count; i++)
		if (readouts->items[i].due < due)
			due = readouts->items[i].due;
	return due;
}

void fb_readouts_free(struct fb_readouts *readouts)
{
	free(readouts->items);
	readouts->items = NULL;
	readouts->count = 0;
}
