// SPDX-License-Identifier: Apache-2.0
#include "asked/place.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STAGE "constants"

const struct btf_type *fb_place_type(const struct fb_place *place)
{
	int id = btf__resolve_type(place->btf, place->type);

	return id < 0 ? NULL : btf__type_by_id(place->btf, (uint32_t)id);
}

static const char *name_at(const struct fb_place *place, uint32_t offset)
{
	const char *name = btf__name_by_offset(place->btf, offset);

	return name ? name : "";
}

void fb_place_type_name(const struct fb_place *place, struct fb_text *out)
{
	const struct btf_type *type = btf__type_by_id(place->btf, place->type);
	struct fb_place inner = *place;

	while (type && btf_is_mod(type)) {
		inner.type = type->type;
		type = btf__type_by_id(place->btf, inner.type);
	}
	if (!type)
		return;
	if (btf_is_array(type)) {
		inner.type = btf_array(type)->type;
		fb_place_type_name(&inner, out);
		fb_text_printf(out, "[%u]", btf_array(type)->nelems);
		return;
	}
	if (btf_is_any_enum(type))
		fb_text_puts(out, "enum ");
	else if (btf_is_struct(type))
		fb_text_puts(out, "struct ");
	else if (btf_is_union(type))
		fb_text_puts(out, "union ");
	else if (btf_is_ptr(type))
		fb_text_puts(out, "pointer");
	fb_text_puts(out, name_at(place, type->name_off));
}

bool fb_place_is_text(const struct fb_place *place, size_t *count)
{
	const struct btf_type *type = fb_place_type(place);
	struct fb_place element = *place;

	if (!type || !btf_is_array(type))
		return false;
	*count = btf_array(type)->nelems;
	element.type = btf_array(type)->type;
	type = fb_place_type(&element);
	return type && btf_is_int(type) && !strcmp(name_at(place, type->name_off), "char");
}

/* Go to the member called so; those of anonymous structs and unions count as the struct's own. */
static bool enter(struct fb_place *place, const struct btf_type *type, const char *name,
		  size_t length)
{
	const struct btf_member *members = btf_members(type);

	for (unsigned int i = 0; i < btf_vlen(type); i++) {
		const char *known = name_at(place, members[i].name_off);
		struct fb_place inner = {
			.btf = place->btf,
			.type = members[i].type,
			.bit = place->bit + btf_member_bit_offset(type, i),
			.bits = btf_member_bitfield_size(type, i),
		};
		const struct btf_type *inner_type = fb_place_type(&inner);
		bool found = strlen(known) == length && !strncmp(known, name, length);

		if (!*known && inner_type && btf_is_composite(inner_type))
			found = enter(&inner, inner_type, name, length);
		if (found) {
			*place = inner;
			return true;
		}
	}
	return false;
}

static int follow_field(struct fb_place *place, const char *name, size_t length,
			struct fb_problem *problem)
{
	const struct btf_type *type = fb_place_type(place);
	struct fb_text told = {};

	if (type && btf_is_composite(type) && enter(place, type, name, length))
		return 0;
	fb_place_type_name(place, &told);
	fb_fail(problem, STAGE, ENOENT, "%s has no field %.*s", told.used ? told.bytes : "it",
		(int)length, name);
	fb_text_free(&told);
	return -ENOENT;
}

static int follow_element(struct fb_place *place, unsigned long index, struct fb_problem *problem)
{
	const struct btf_type *type = fb_place_type(place);
	long long size;

	if (!type || !btf_is_array(type))
		return fb_fail(problem, STAGE, EINVAL, "[%lu]: it is not an array", index);
	if (index >= btf_array(type)->nelems)
		return fb_fail(problem, STAGE, ERANGE, "[%lu]: it has %u elements", index,
			       btf_array(type)->nelems);
	place->type = btf_array(type)->type;
	size = btf__resolve_size(place->btf, place->type);
	if (size < 0)
		return fb_fail(problem, STAGE, EINVAL, "[%lu]: its size is unknown", index);
	place->bit += index * (uint64_t)size * 8;
	return 0;
}

int fb_place_follow(struct fb_place *place, const char *way, struct fb_problem *problem)
{
	int error = 0;

	while (!error && *way) {
		size_t length = strcspn(way + 1, ".[");
		char *end = NULL;

		if (*way == '.' && length) {
			error = follow_field(place, way + 1, length, problem);
			way += 1 + length;
		} else if (*way == '[' && isdigit((unsigned char)way[1])) {
			error = follow_element(place, strtoul(way + 1, &end, 10), problem);
			way = end + (*end == ']');
			if (end[0] != ']')
				return fb_fail(problem, STAGE, 0, "want a ] after the index");
		} else {
			return fb_fail(problem, STAGE, 0, "want .FIELD or [INDEX], not %s", way);
		}
	}
	return error;
}
