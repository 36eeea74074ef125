// SPDX-License-Identifier: Apache-2.0
#include "maps/map_reader.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>

#define BLOCK (64 * 1024) /* bytes of keys and values asked for at once */

bool fb_map_is_per_cpu(enum bpf_map_type type)
{
	return type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_PERCPU_ARRAY ||
	       type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

bool fb_map_is_hash(enum bpf_map_type type)
{
	return type == BPF_MAP_TYPE_HASH || type == BPF_MAP_TYPE_LRU_HASH ||
	       type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

bool fb_map_can_be_read(enum bpf_map_type type)
{
	return fb_map_is_hash(type) || type == BPF_MAP_TYPE_ARRAY ||
	       type == BPF_MAP_TYPE_PERCPU_ARRAY || type == BPF_MAP_TYPE_LPM_TRIE ||
	       type == BPF_MAP_TYPE_STACK_TRACE;
}

int fb_layout_of(int fd, struct fb_layout *layout)
{
	struct bpf_map_info info = {};
	uint32_t size = sizeof(info);
	int processors = libbpf_num_possible_cpus();

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return -errno;
	if (info.type == BPF_MAP_TYPE_STACK_TRACE && info.map_flags & BPF_F_STACK_BUILD_ID)
		return -EOPNOTSUPP; /* frames are no addresses there */
	*layout = (struct fb_layout){
		.fd = fd,
		.max_entries = info.max_entries,
		.key_size = info.key_size,
		.value_size = info.value_size,
		.stride = info.value_size,
		/* Its batches would need a key each, and a stack may be long. */
		.one_by_one = info.type == BPF_MAP_TYPE_STACK_TRACE,
	};
	if (fb_map_is_per_cpu((enum bpf_map_type)info.type) && processors > 0) {
		layout->processors = (size_t)processors;
		/* The kernel gives each processor's value on an 8-byte border. */
		layout->stride = (layout->value_size + 7) / 8 * 8 * layout->processors;
	}
	return 0;
}

/* Room for one reply of the kernel. */
struct block {
	uint32_t count;
	unsigned char *keys;
	unsigned char *values;
};

static int resize(struct block *block, const struct fb_layout *layout, uint32_t count)
{
	unsigned char *keys = realloc(block->keys, count * layout->key_size);
	unsigned char *values = realloc(block->values, count * layout->stride);

	block->keys = keys ? keys : block->keys;
	block->values = values ? values : block->values;
	block->count = count;
	return keys && values ? 0 : -ENOMEM;
}

static int ask(const struct fb_layout *layout, bool clear, void *from, void *to,
	       struct block *block, uint32_t *count)
{
	*count = block->count;
	if (clear)
		return bpf_map_lookup_and_delete_batch(layout->fd, from, to, block->keys,
						       block->values, count, NULL);
	return bpf_map_lookup_batch(layout->fd, from, to, block->keys, block->values, count, NULL);
}

/*
 * One system call for many entries: kernel 5.6 has it for hashes and arrays, others later.
 * -ENOSPC: a bucket of a hash does not fit whole; nothing was read, more room is asked for.
 * Returns -EOPNOTSUPP before anything was read where this type of map has no batches.
 */
static int read_batches(const struct fb_layout *layout, bool clear, struct block *block,
			fb_map_visit *visit, void *context)
{
	/* The position: a bucket's number for a hash, a key for others. */
	unsigned char *position = calloc(1, layout->key_size + 8);
	bool started = false;
	int error = position ? 0 : -ENOMEM;
	uint32_t count;

	while (!error) {
		error = ask(layout, clear, started ? position : NULL, position, block, &count);
		if (error == -ENOSPC && block->count < layout->max_entries) {
			error = resize(block, layout, block->count * 2);
			continue;
		}
		if (error && error != -ENOENT)
			break;
		for (uint32_t i = 0; i < count; i++)
			visit(context, block->keys + i * layout->key_size,
			      block->values + i * layout->stride);
		started = true;
	}
	free(position);
	if (error == -ENOENT)
		return 0;
	return started || error == -ENOSPC || error == -ENOMEM ? error : -EOPNOTSUPP;
}

static int read_one_by_one(const struct fb_layout *layout, fb_map_visit *visit, void *context)
{
	unsigned char *key = malloc(layout->key_size), *value = malloc(layout->stride);
	uint32_t most = layout->max_entries;
	bool started = false;
	int error = key && value ? 0 : -ENOMEM;

	/* A key deleted meanwhile sends the walk back to the start: bounded, then. */
	while (!error && most--) {
		if (bpf_map_get_next_key(layout->fd, started ? key : NULL, key))
			break;
		started = true;
		if (!bpf_map_lookup_elem(layout->fd, key, value))
			visit(context, key, value);
	}
	free(key);
	free(value);
	return error;
}

int fb_map_read(struct fb_layout *layout, bool clear, fb_map_visit *visit, void *context)
{
	size_t entry = layout->key_size + layout->stride;
	uint32_t wanted = entry < BLOCK ? (uint32_t)(BLOCK / entry) : 1;
	struct block block = {};
	int error = -EOPNOTSUPP;

	if (!layout->one_by_one) {
		error = resize(&block, layout,
			       wanted < layout->max_entries ? wanted : layout->max_entries);
		if (!error)
			error = read_batches(layout, clear, &block, visit, context);
		free(block.keys);
		free(block.values);
	}
	if (error != -EOPNOTSUPP || clear) /* every kernel has batches for hashes */
		return error;
	layout->one_by_one = true;
	return read_one_by_one(layout, visit, context);
}
