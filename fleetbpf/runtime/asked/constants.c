// SPDX-License-Identifier: Apache-2.0
#include "asked/constants.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STAGE "constants"

static int fail_with_type(const struct fb_place *place, const char *wanted,
			  struct fb_problem *problem)
{
	struct fb_text type = {};

	fb_place_type_name(place, &type);
	fb_fail(problem, STAGE, ERANGE, "want %s (%s)", wanted, type.used ? type.bytes : "?");
	fb_text_free(&type);
	return -ERANGE;
}

static int out_of_range(const struct fb_place *place, uint64_t top, bool is_signed,
			struct fb_problem *problem)
{
	char range[64];

	if (is_signed)
		snprintf(range, sizeof(range), "%" PRId64 " to %" PRId64, -(int64_t)(top / 2) - 1,
			 (int64_t)(top / 2));
	else
		snprintf(range, sizeof(range), "0 to %" PRIu64, top);
	return fail_with_type(place, range, problem);
}

/* Bit by bit: a bit field begins anywhere, and its neighbours stay as they are. */
static void put_bits(unsigned char *bytes, uint64_t first, unsigned int bits, uint64_t number)
{
	for (unsigned int i = 0; i < bits; i++) {
		uint64_t bit = first + i;
		unsigned char mask = (unsigned char)(1u << bit % 8);

		if (number >> i & 1)
			bytes[bit / 8] |= mask;
		else
			bytes[bit / 8] &= (unsigned char)~mask;
	}
}

static int put_integer(const struct fb_place *place, size_t size, bool is_signed, const char *value,
		       unsigned char *bytes, struct fb_problem *problem)
{
	const char *digits = value[0] == '-' ? value + 1 : value;
	unsigned int bits = place->bits ? place->bits : (unsigned int)size * 8;
	uint64_t top, most, magnitude;
	char *end;

	if (!bits || bits > 64)
		return fail_with_type(place, "a number of at most 64 bits", problem);
	top = UINT64_MAX >> (64 - bits);
	most = is_signed ? top / 2 + (digits != value) : digits != value ? 0 : top;
	errno = 0;
	magnitude = strtoull(digits, &end, 0);
	if (!isdigit((unsigned char)*digits) || *end || errno || magnitude > most)
		return out_of_range(place, top, is_signed, problem);
	put_bits(bytes, place->bit, bits, digits == value ? magnitude : 0 - magnitude);
	return 0;
}

static int put_boolean(const struct fb_place *place, const char *value, unsigned char *bytes,
		       struct fb_problem *problem)
{
	bool yes = !strcmp(value, "true") || !strcmp(value, "1");

	if (!yes && strcmp(value, "false") != 0 && strcmp(value, "0") != 0)
		return fail_with_type(place, "true or false", problem);
	put_bits(bytes, place->bit, place->bits ? place->bits : 8, yes);
	return 0;
}

static bool find_enumerator(const struct fb_place *place, const struct btf_type *type,
			    const char *name, uint64_t *number)
{
	for (unsigned int i = 0; i < btf_vlen(type); i++) {
		bool wide = btf_is_enum64(type);
		uint32_t at = wide ? btf_enum64(type)[i].name_off : btf_enum(type)[i].name_off;
		const char *known = btf__name_by_offset(place->btf, at);

		if (!known || strcmp(known, name) != 0)
			continue;
		*number = wide ? btf_enum64_value(&btf_enum64(type)[i])
			       : (uint64_t)(int64_t)btf_enum(type)[i].val;
		return true;
	}
	return false;
}

/*
 * clang 14 calls every enum unsigned: one with a name for a negative value takes negative numbers,
 * as object_btf.py has it. A large number fits all the same.
 */
static bool has_negative(const struct btf_type *type)
{
	for (unsigned int i = 0; i < btf_vlen(type); i++) {
		int64_t value = btf_is_enum64(type)
					? (int64_t)btf_enum64_value(&btf_enum64(type)[i])
					: btf_enum(type)[i].val;

		if (value < 0)
			return true;
	}
	return false;
}

static int put_enum(const struct fb_place *place, const struct btf_type *type, const char *value,
		    unsigned char *bytes, struct fb_problem *problem)
{
	/* clang 14 cuts the values of an enum of 8 bytes to 4: such names cannot be trusted. */
	bool names = btf_is_enum64(type) || type->size <= 4;
	bool is_signed = btf_kflag(type) || (value[0] == '-' && has_negative(type));
	uint64_t number;

	if (isdigit((unsigned char)value[0]) || value[0] == '-')
		return put_integer(place, type->size, is_signed, value, bytes, problem);
	if (!names || !find_enumerator(place, type, value, &number))
		return fail_with_type(place, "a name of the enum or a number", problem);
	put_bits(bytes, place->bit, place->bits ? place->bits : type->size * 8, number);
	return 0;
}

static int put_text(const struct fb_place *place, size_t size, const char *value,
		    unsigned char *bytes, struct fb_problem *problem)
{
	char wanted[64];

	if (strlen(value) >= size) {
		snprintf(wanted, sizeof(wanted), "at most %zu bytes", size ? size - 1 : 0);
		return fail_with_type(place, wanted, problem);
	}
	strncpy((char *)bytes + place->bit / 8, value, size); /* and NULs up to the end */
	return 0;
}

int fb_constant_put(const struct fb_place *place, const char *value, unsigned char *bytes,
		    struct fb_problem *problem)
{
	const struct btf_type *type = fb_place_type(place);
	size_t size;

	if (fb_place_is_text(place, &size))
		return put_text(place, size, value, bytes, problem);
	if (type && btf_is_int(type) && btf_int_encoding(type) & BTF_INT_BOOL)
		return put_boolean(place, value, bytes, problem);
	if (type && btf_is_int(type))
		return put_integer(place, type->size, btf_int_encoding(type) & BTF_INT_SIGNED,
				   value, bytes, problem);
	if (type && btf_is_any_enum(type))
		return put_enum(place, type, value, bytes, problem);
	if (type && btf_is_composite(type))
		return fail_with_type(place, "one of its fields: NAME.FIELD=VALUE", problem);
	if (type && btf_is_array(type))
		return fail_with_type(place, "one of its elements: NAME[INDEX]=VALUE", problem);
	return fail_with_type(place, "another constant: this type cannot be set", problem);
}

static const struct fb_constant *find(const struct fb_program *program, const char *name,
				      size_t length)
{
	for (size_t i = 0; i < program->constant_count; i++)
		if (strlen(program->constants[i].name) == length &&
		    !strncmp(program->constants[i].name, name, length))
			return &program->constants[i];
	return NULL;
}

static int unknown(const struct fb_program *program, struct fb_problem *problem)
{
	struct fb_text names = {};

	for (size_t i = 0; i < program->constant_count; i++)
		fb_text_printf(&names, " %s", program->constants[i].name);
	fb_hint(problem, "its constants:%s", names.used ? names.bytes : " none");
	fb_text_free(&names);
	return fb_fail(problem, STAGE, ENOENT, "%s has no such constant", program->name);
}

/* Where the variable lies in its section, as libbpf worked it out when it opened the object. */
static const struct btf_var_secinfo *find_variable(const struct btf *btf,
						   const struct fb_constant *constant)
{
	int id = btf__find_by_name_kind(btf, constant->section, BTF_KIND_DATASEC);
	const struct btf_type *section = id < 0 ? NULL : btf__type_by_id(btf, (__u32)id);

	for (int i = 0; section && i < btf_vlen(section); i++) {
		const struct btf_var_secinfo *found = &btf_var_secinfos(section)[i];
		const struct btf_type *variable = btf__type_by_id(btf, found->type);
		const char *name = variable ? btf__name_by_offset(btf, variable->name_off) : NULL;

		if (name && !strcmp(name, constant->name))
			return found;
	}
	return NULL;
}

static int set(struct bpf_object *object, const struct fb_program *program,
	       const struct fb_pair *pair, struct fb_problem *problem)
{
	size_t length = strcspn(pair->name, ".["), size = 0;
	const struct fb_constant *constant = find(program, pair->name, length);
	struct fb_place place = {.btf = bpf_object__btf(object)};
	const struct btf_var_secinfo *variable;
	unsigned char *bytes;
	struct bpf_map *map;
	int error;

	if (!constant)
		return unknown(program, problem);
	map = bpf_object__find_map_by_name(object, constant->section);
	bytes = map ? (unsigned char *)bpf_map__initial_value(map, &size) : NULL;
	variable = find_variable(place.btf, constant);
	if (!bytes || !variable || (size_t)variable->offset + variable->size > size)
		return fb_fail(problem, STAGE, ENOENT, "not found in section %s",
			       constant->section);
	place.type = btf__type_by_id(place.btf, variable->type)->type;
	error = fb_place_follow(&place, pair->name + length, problem);
	return error ? error
		     : fb_constant_put(&place, pair->value, bytes + variable->offset, problem);
}

int fb_constants_set(struct bpf_object *object, const struct fb_program *program,
		     const struct fb_pairs *values, struct fb_problem *problem)
{
	for (size_t i = 0; i < values->count; i++) {
		const struct fb_pair *pair = &values->items[i];
		struct fb_problem own = {};
		int error = set(object, program, pair, &own);

		if (!error)
			continue;
		fb_fail(problem, STAGE, own.error, "--set %s=%s: %s", pair->name, pair->value,
			own.message);
		fb_hint(problem, "%s", own.hint);
		return error;
	}
	return 0;
}
