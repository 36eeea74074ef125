// SPDX-License-Identifier: Apache-2.0
#include "events/rings.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"

#define STAGE "events"
#define PADDING 8		 /* perf fills samples up to its next multiple */
#define COUNTER ".data.fleetbpf" /* fleetbpf.h */

static const struct fb_ring *find_ring(const struct fb_program *program, const char *name,
				       struct fb_problem *problem)
{
	struct fb_text names = {};

	for (size_t i = 0; i < program->ring_count; i++) {
		if (!strcmp(program->rings[i].name, name)) {
			fb_text_free(&names);
			return &program->rings[i];
		}
		fb_text_printf(&names, " %s", program->rings[i].name);
	}
	fb_hint(problem, "its ring buffers:%s", names.used ? names.bytes : " none");
	fb_text_free(&names);
	fb_fail(problem, STAGE, ENOENT, "--event %s: %s has no such ring buffer", name,
		program->name);
	return NULL;
}

static const struct fb_event *find_event(const struct fb_program *program,
					 const struct fb_pair *wanted, struct fb_problem *problem)
{
	struct fb_text names = {};

	for (size_t i = 0; i < program->event_count; i++) {
		if (!strcmp(program->events[i].name, wanted->value)) {
			fb_text_free(&names);
			return &program->events[i];
		}
		fb_text_printf(&names, " %s", program->events[i].name);
	}
	fb_hint(problem, "its structs for events:%s", names.used ? names.bytes : " none");
	fb_text_free(&names);
	fb_fail(problem, STAGE, ENOENT, "--event %s=%s: %s has no such struct for events",
		wanted->name, wanted->value, program->name);
	return NULL;
}

static const struct fb_pair *pair_of(const struct fb_pairs *wanted, const char *ring)
{
	for (size_t i = 0; i < wanted->count; i++)
		if (!strcmp(wanted->items[i].name, ring))
			return &wanted->items[i];
	return NULL;
}

/* What the ring's records are; NULL without a problem: nobody wants to read it. */
static const struct fb_event *event_of(const struct fb_program *program, const struct fb_ring *ring,
				       const struct fb_pair *wanted, struct fb_problem *problem)
{
	if (wanted && wanted->value[0])
		return find_event(program, wanted, problem);
	if (wanted && !ring->event && !ring->case_count)
		fb_fail(problem, STAGE, EINVAL, "--event %s=: its definition names no struct",
			ring->name);
	return ring->event;
}

static int add(struct fb_rings *rings, const struct fb_ring *ring, const struct fb_event *event,
	       struct bpf_map *map, struct fb_problem *problem)
{
	if (rings->count == FB_RINGS)
		return fb_fail(problem, STAGE, E2BIG, "more than %d ring buffers", FB_RINGS);
	rings->items[rings->count++] =
		(struct fb_ring_reader){.ring = ring, .event = event, .map = map};
	return 0;
}

int fb_rings_plan(struct fb_rings *rings, const struct bpf_object *object,
		  const struct fb_program *program, const struct fb_pairs *wanted,
		  struct fb_problem *problem)
{
	for (size_t i = 0; i < wanted->count; i++)
		if (!find_ring(program, wanted->items[i].name, problem))
			return -ENOENT;
	for (size_t i = 0; i < program->ring_count; i++) {
		const struct fb_ring *ring = &program->rings[i];
		const struct fb_event *event =
			event_of(program, ring, pair_of(wanted, ring->name), problem);
		struct bpf_map *map = bpf_object__find_map_by_name(object, ring->name);

		if (problem->message[0])
			return -EINVAL;
		if (!map)
			return fb_fail(problem, STAGE, ENOENT, "the object has no map %s",
				       ring->name);
		if ((event || ring->case_count) && add(rings, ring, event, map, problem))
			return -E2BIG;
	}
	if (rings->count)
		rings->counter = bpf_object__find_map_by_name(object, COUNTER);
	if (rings->counter && bpf_map__value_size(rings->counter) != sizeof(rings->reported))
		rings->counter = NULL; /* not what fleetbpf.h declares */
	return 0;
}

/* The struct of a record; NULL: it is shorter than it must be, or its value stands for none. */
static const struct fb_event *event_in(const struct fb_ring_reader *reader,
				       const unsigned char *bytes, size_t size)
{
	const struct fb_ring *ring = reader->ring;
	const struct fb_event *event = reader->event;
	uint64_t value;

	if (!event && size >= ring->by_offset + ring->by_size) {
		value = fb_load(bytes + ring->by_offset, ring->by_size);
		for (size_t i = 0; i < ring->case_count && !event; i++)
			if (ring->cases[i].value == value)
				event = ring->cases[i].event;
	}
	return event && size >= event->size ? event : NULL;
}

/* The record's bytes after its struct: the tail that it declares, or what nobody declared. */
static void write_event(struct fb_ring_reader *reader, const struct fb_event *event,
			const unsigned char *bytes, size_t size)
{
	struct fb_text *out = fb_sink_event_begin(reader->sink, reader->ring->name,
						  reader->event ? NULL : event->name, reader->time);
	size_t rest = size - event->size;

	if (reader->ring->perf && rest < PADDING && !event->tail[0])
		rest = 0;
	if (!out)
		return;
	event->encode(out, bytes);
	if (event->tail[0]) {
		fb_text_cut(out, out->used ? out->used - 1 : 0); /* its closing brace */
		fb_encode_member(out, event->tail);
		event->encode_tail(out, bytes + event->size, rest);
		fb_text_puts(out, "}");
		rest = 0;
	}
	fb_sink_event_end(reader->sink, bytes + event->size, rest);
}

void fb_ring_reader_take(void *context, const unsigned char *bytes, size_t size)
{
	struct fb_ring_reader *reader = context;
	const struct fb_event *event = bytes ? event_in(reader, bytes, size) : NULL;

	*reader->position = reader->view.position;
	if (reader->skip)
		reader->skip--;
	else if (!bytes)
		fb_sink_lost(reader->sink, FB_LOADER, 1, reader->time);
	else if (event)
		write_event(reader, event, bytes, size);
	else
		fb_sink_event_odd(reader->sink, reader->ring->name, reader->time, bytes, size);
}

static int open_reader(struct fb_ring_reader *reader)
{
	int fd = bpf_map__fd(reader->map);

	if (reader->ring->perf)
		return fb_perf_open(&reader->perf, fd, fb_ring_reader_take, reader);
	return fb_ring_map(&reader->view, fd, bpf_map__max_entries(reader->map));
}

int fb_rings_open(struct fb_rings *rings, struct fb_sink *sink, struct fb_problem *problem)
{
	int error;

	for (size_t i = 0; i < rings->count; i++) {
		struct fb_ring_reader *reader = &rings->items[i];

		reader->sink = sink;
		reader->position = &sink->told.positions[i];
		error = open_reader(reader);
		if (error)
			return fb_fail(problem, STAGE, -error, "cannot read the ring buffer %s: %s",
				       reader->ring->name, fb_error_text(-error));
	}
	rings->looked_at = fb_now();
	return 0;
}

int fb_ring_descriptor(const struct fb_ring_reader *reader)
{
	return reader->ring->perf ? fb_perf_descriptor(&reader->perf) : bpf_map__fd(reader->map);
}

static size_t size_of(const struct fb_ring_reader *reader)
{
	return reader->ring->perf ? FB_PERF_SIZE : reader->view.size;
}

/* What is taken stays in the ring until it is written: a part of it only, or it fills meanwhile. */
static size_t read_one(struct fb_ring_reader *reader, size_t most)
{
	size_t part = reader->view.size / 4, used;

	if (reader->ring->perf)
		return fb_perf_take(&reader->perf);
	used = fb_ring_take(&reader->view, most < part ? most : part, fb_ring_reader_take, reader);
	*reader->position = reader->view.position;
	return used;
}

size_t fb_rings_read(struct fb_rings *rings, size_t most, bool *busy)
{
	size_t taken = 0;

	*busy = false;
	for (size_t i = 0; i < rings->count; i++) {
		struct fb_ring_reader *reader = &rings->items[i];
		size_t used;

		reader->time = fb_now();
		used = read_one(reader, most);
		if (used >= most || used > size_of(reader) / 8)
			*busy = true;
		taken += used;
	}
	return taken;
}

void fb_rings_release(struct fb_rings *rings)
{
	for (size_t i = 0; i < rings->count; i++)
		if (!rings->items[i].ring->perf)
			fb_ring_release(&rings->items[i].view);
}

static void account_perf(struct fb_ring_reader *reader, uint64_t since)
{
	uint64_t lost = fb_perf_lost(&reader->perf);

	if (lost > reader->perf_lost)
		fb_sink_lost(reader->sink, FB_KERNEL, lost - reader->perf_lost, since);
	reader->perf_lost = lost;
}

static void account_missed(struct fb_rings *rings, struct fb_sink *sink)
{
	uint64_t missed = rings->reported;
	uint32_t only = 0;

	bpf_map_lookup_elem(bpf_map__fd(rings->counter), &only, &missed);
	if (missed != rings->reported)
		fb_sink_missed(sink, missed - rings->reported, rings->looked_at);
	rings->reported = missed;
}

static void account(struct fb_rings *rings, struct fb_sink *sink, uint64_t now)
{
	if (rings->counter)
		account_missed(rings, sink);
	for (size_t i = 0; i < rings->count; i++)
		if (rings->items[i].ring->perf)
			account_perf(&rings->items[i], rings->looked_at);
	rings->looked_at = now;
}

void fb_rings_account(struct fb_rings *rings, struct fb_sink *sink)
{
	uint64_t now = fb_now();

	if (now - rings->looked_at >= FB_SECOND)
		account(rings, sink, now);
}

void fb_rings_bound(struct fb_rings *rings, const uint64_t *positions)
{
	for (size_t i = 0; i < rings->count; i++) {
		struct fb_ring_view *view = &rings->items[i].view;

		if (rings->items[i].ring->perf)
			continue;
		view->bounded = positions;
		view->bound = positions ? *positions++ : 0;
	}
}

void fb_rings_read_to(struct fb_rings *rings, const uint64_t *positions, struct fb_sink *sink)
{
	bool busy;

	fb_rings_bound(rings, positions);
	/* Perf buffers may fill for ever: as many times as empty the fullest ring. */
	for (int i = 0; i < 8 && fb_rings_read(rings, SIZE_MAX, &busy); i++) {
		fb_sink_flush(sink);
		fb_rings_release(rings);
	}
	if (rings->count)
		account(rings, sink, fb_now());
}

void fb_rings_drain(struct fb_rings *rings, struct fb_sink *sink)
{
	bool busy;

	if (!rings->count)
		return;
	/* Detaching does not wait for functions that run at that moment; an RCU grace period does.
	 */
	syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
	while (fb_rings_read(rings, SIZE_MAX, &busy)) {
		fb_sink_flush(sink);
		fb_rings_release(rings);
	}
	account(rings, sink, fb_now());
}

void fb_rings_free(struct fb_rings *rings)
{
	for (size_t i = 0; i < rings->count; i++) {
		if (rings->items[i].ring->perf)
			fb_perf_close(&rings->items[i].perf);
		else
			fb_ring_unmap(&rings->items[i].view);
	}
	rings->count = 0;
}
