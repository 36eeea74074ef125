// SPDX-License-Identifier: Apache-2.0
#include "constants.h"

#include <bpf/btf.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STAGE "constants"

static int bad_number(const struct fb_constant *constant, const char *value,
		      struct fb_problem *problem)
{
	unsigned int bits = (unsigned int)constant->size * 8;
	uint64_t top = UINT64_MAX >> (64 - bits);

	if (constant->is_signed)
		return fb_fail(problem, STAGE, ERANGE,
			       "--set %s=%s: want %" PRId64 " to %" PRId64 " (%s)", constant->name,
			       value, -(int64_t)(top / 2) - 1, (int64_t)(top / 2),
			       constant->c_type);
	return fb_fail(problem, STAGE, ERANGE, "--set %s=%s: want 0 to %" PRIu64 " (%s)",
		       constant->name, value, top, constant->c_type);
}

static int parse_integer(const struct fb_constant *constant, const char *value, void *bytes,
			 struct fb_problem *problem)
{
	unsigned int bits = (unsigned int)constant->size * 8;
	const char *digits = value[0] == '-' ? value + 1 : value;
	uint64_t magnitude, most, number;
	char *end;

	if (!bits || bits > 64)
		return fb_fail(problem, STAGE, 0, "--set %s: a constant of %zu bytes cannot be set",
			       constant->name, constant->size);
	errno = 0;
	magnitude = strtoull(digits, &end, 0);
	if (!isdigit((unsigned char)*digits) || *end || errno)
		return bad_number(constant, value, problem);
	most = UINT64_MAX >> (64 - bits);
	if (constant->is_signed)
		most = most / 2 + (digits != value);
	else if (digits != value && magnitude)
		return bad_number(constant, value, problem);
	if (magnitude > most)
		return bad_number(constant, value, problem);
	number = digits != value ? 0 - magnitude : magnitude;
	memcpy(bytes, &number, constant->size);
	return 0;
}

static int parse_boolean(const struct fb_constant *constant, const char *value, void *bytes,
			 struct fb_problem *problem)
{
	if (!strcmp(value, "true") || !strcmp(value, "1"))
		*(unsigned char *)bytes = 1;
	else if (!strcmp(value, "false") || !strcmp(value, "0"))
		*(unsigned char *)bytes = 0;
	else
		return fb_fail(problem, STAGE, 0, "--set %s=%s: want true or false", constant->name,
			       value);
	return 0;
}

static int parse_text(const struct fb_constant *constant, const char *value, void *bytes,
		      struct fb_problem *problem)
{
	if (strlen(value) >= constant->size)
		return fb_fail(problem, STAGE, ERANGE, "--set %s=%s: want at most %zu bytes (%s)",
			       constant->name, value, constant->size - 1, constant->c_type);
	memset(bytes, 0, constant->size);
	memcpy(bytes, value, strlen(value));
	return 0;
}

int fb_constant_parse(const struct fb_constant *constant, const char *value, void *bytes,
		      struct fb_problem *problem)
{
	switch (constant->kind) {
	case FB_INTEGER:
		return parse_integer(constant, value, bytes, problem);
	case FB_BOOLEAN:
		return parse_boolean(constant, value, bytes, problem);
	case FB_TEXT:
		return parse_text(constant, value, bytes, problem);
	}
	return fb_fail(problem, STAGE, 0, "--set %s: it cannot be set", constant->name);
}

static const struct fb_constant *find(const struct fb_program *program, const char *name)
{
	for (size_t i = 0; i < program->constant_count; i++)
		if (!strcmp(program->constants[i].name, name))
			return &program->constants[i];
	return NULL;
}

static int unknown(const struct fb_program *program, const char *name, struct fb_problem *problem)
{
	struct fb_text names = {};

	for (size_t i = 0; i < program->constant_count; i++)
		fb_text_printf(&names, " %s", program->constants[i].name);
	fb_hint(problem, "its constants:%s", names.used ? names.bytes : " none");
	fb_text_free(&names);
	return fb_fail(problem, STAGE, ENOENT, "--set %s: %s has no such constant", name,
		       program->name);
}

/* Where the variable lies in its section, as libbpf worked it out when it opened the object. */
static int offset_of(const struct btf *btf, const struct fb_constant *constant)
{
	int id = btf__find_by_name_kind(btf, constant->section, BTF_KIND_DATASEC);
	const struct btf_type *section = id < 0 ? NULL : btf__type_by_id(btf, (__u32)id);

	for (int i = 0; section && i < btf_vlen(section); i++) {
		const struct btf_var_secinfo *place = &btf_var_secinfos(section)[i];
		const struct btf_type *variable = btf__type_by_id(btf, place->type);
		const char *name = variable ? btf__name_by_offset(btf, variable->name_off) : NULL;

		if (name && !strcmp(name, constant->name))
			return (int)place->offset;
	}
	return -ENOENT;
}

static int set(struct bpf_object *object, const struct fb_constant *constant, const char *value,
	       struct fb_problem *problem)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, constant->section);
	int offset = offset_of(bpf_object__btf(object), constant);
	size_t size = 0;
	char *bytes = map ? (char *)bpf_map__initial_value(map, &size) : NULL;

	if (!bytes || offset < 0 || (size_t)offset + constant->size > size)
		return fb_fail(problem, STAGE, ENOENT, "--set %s: not found in section %s",
			       constant->name, constant->section);
	return fb_constant_parse(constant, value, bytes + offset, problem);
}

int fb_constants_set(struct bpf_object *object, const struct fb_program *program,
		     const struct fb_pairs *values, struct fb_problem *problem)
{
	int error = 0;

	for (size_t i = 0; !error && i < values->count; i++) {
		const struct fb_constant *constant = find(program, values->items[i].name);

		if (!constant)
			return unknown(program, values->items[i].name, problem);
		error = set(object, constant, values->items[i].value, problem);
	}
	return error;
}
