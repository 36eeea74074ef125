/* SPDX-License-Identifier: Apache-2.0 */
/* What a generated loader.c says about its program, and the way into the runtime. */
#ifndef FB_PROGRAM_H
#define FB_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

#include "json/encode.h"
#include "json/hints.h"

/* One BPF function and the ELF section that holds it. */
struct fb_function {
	const char *name;
	const char *section;
	bool held;   /* a map of programs has it from the start: libbpf wants it loaded */
	bool called; /* and only tail calls go there, if nobody asks for more */
};

/* One `const volatile` global that --set may change before the load; its type is in the BTF. */
struct fb_constant {
	const char *name;
	const char *section; /* ".rodata" */
};

/* `count` integers of `size` bytes each, one behind the other. */
struct fb_run {
	size_t offset;
	size_t size;
	size_t count;
};

enum fb_slots_place {
	FB_SLOTS_NONE,
	FB_SLOTS_IN_KEY,   /* the key says which slot a value counts */
	FB_SLOTS_IN_VALUE, /* a value holds the counts of all slots */
};

/* Where the slots of a histogram are. */
struct fb_slots {
	enum fb_slots_place place;
	struct fb_run run; /* the number of the slot, or the counts */
	fb_encoder
		*group; /* what in the key tells one histogram from another; NULL: there is one */
};

/* One map, how its keys and values become JSON, and what its values are made of. */
struct fb_map {
	const char *name;
	unsigned int type; /* enum bpf_map_type */
	fb_encoder *key;
	fb_encoder *value;
	const struct fb_run *runs; /* all of a value; NULL: values cannot be added up */
	size_t run_count;
	struct fb_slots slots;
	const char *shape; /* of one that all releases share; NULL: they do not */
};

/* A struct that the records of a ring may be, and how it becomes JSON. */
struct fb_event {
	const char *name;
	size_t size; /* a shorter record is none of it; the tail begins there */
	fb_encoder *encode;
	const char *tail; /* the flexible array at its end, or "" */
	void (*encode_tail)(struct fb_text *out, const unsigned char *at, size_t size);
};

/* One of several structs of a ring. */
struct fb_case {
	uint64_t value; /* of the ring's field that tells */
	const struct fb_event *event;
};

/* One ring buffer, or perf event array. */
struct fb_ring {
	const char *name;
	bool perf;		      /* a perf event array */
	const struct fb_event *event; /* the only struct in it; NULL: there are cases, or nothing */
	size_t by_offset;	      /* where the field lies that tells the cases apart */
	size_t by_size;
	const struct fb_case *cases;
	size_t case_count;
};

struct fb_program {
	const char *name;
	const char *key;	 /* the build key: 64 hex digits */
	const char *description; /* one JSON document, for --describe */
	const void *elf;	 /* the object */
	size_t elf_size;
	const struct fb_function *functions;
	size_t function_count;
	const struct fb_constant *constants;
	size_t constant_count;
	const struct fb_map *maps;
	size_t map_count;
	const struct fb_event *events;
	size_t event_count;
	const struct fb_ring *rings;
	size_t ring_count;
	bool prints;
	const char *units; /* JSON for the headers of segments, or "" */
	bool needs_btf;
};

/* Run the loader of `program`; returns the exit status of the process. */
int fleetbpf_main(int argc, char **argv, const struct fb_program *program);

#endif
