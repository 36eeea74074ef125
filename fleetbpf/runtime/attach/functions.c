// SPDX-License-Identifier: Apache-2.0
#include "attach/functions.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct names {
	char **items;
	size_t count;
};

static int by_name(const void *one, const void *other)
{
	return strcmp(*(char *const *)one, *(char *const *)other);
}

static int by_address(const void *one, const void *other)
{
	unsigned long left = *(const unsigned long *)one, right = *(const unsigned long *)other;

	return (left > right) - (left < right);
}

/* An array of `count` items, made larger for one more at each power of two. */
static void *with_room(void *items, size_t count, size_t size)
{
	return count & (count - 1) ? items : realloc(items, (count ? count * 2 : 1) * size);
}

static int add_name(struct names *names, const char *name)
{
	char **items = with_room(names->items, names->count, sizeof(*items));

	if (!items)
		return -ENOMEM;
	names->items = items;
	items[names->count] = strdup(name);
	return items[names->count++] ? 0 : -ENOMEM;
}

static int add_address(struct fb_functions *functions, unsigned long address)
{
	unsigned long *items = with_room(functions->addresses, functions->count, sizeof(*items));

	if (!items)
		return -ENOMEM;
	functions->addresses = items;
	items[functions->count++] = address;
	return 0;
}

/* Lines: "vfs_read", "nf_hook [module]". */
static int read_names(struct names *names, const char *glob, const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	int error = 0;

	if (!file)
		return -ENODEV;
	while (!error && getline(&line, &size, file) > 0) {
		line[strcspn(line, " \t\n")] = '\0';
		if (!fnmatch(glob, line, 0))
			error = add_name(names, line);
	}
	free(line);
	fclose(file);
	if (!error && names->count)
		qsort(names->items, names->count, sizeof(*names->items), by_name);
	return error;
}

/* Line: "ffffffff81234567 t vfs_read", with "\t[module]" perhaps; 1 when it is of use. */
static int parse_symbol(char *line, unsigned long *address, char **name)
{
	char *end;

	errno = 0;
	*address = strtoul(line, &end, 16);
	if (end == line || errno || end[0] != ' ' || !strchr("tTwW", end[1]) || end[2] != ' ')
		return 0;
	*name = end + 3;
	(*name)[strcspn(*name, " \t\n")] = '\0';
	return 1;
}

static int read_addresses(struct fb_functions *functions, const struct names *names,
			  const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL, *name;
	unsigned long address;
	size_t size = 0;
	int error = 0;

	if (!file)
		return -ENODEV;
	while (!error && getline(&line, &size, file) > 0) {
		if (!parse_symbol(line, &address, &name) ||
		    !bsearch(&name, names->items, names->count, sizeof(*names->items), by_name))
			continue;
		error = address ? add_address(functions, address) : -EPERM;
	}
	free(line);
	fclose(file);
	return error ? error : functions->count ? 0 : -ENOENT;
}

/* Two names of one place are one place: the kernel refuses an address that is given twice. */
static void drop_repeated(struct fb_functions *functions)
{
	size_t kept = 1;

	qsort(functions->addresses, functions->count, sizeof(*functions->addresses), by_address);
	for (size_t i = 1; i < functions->count; i++)
		if (functions->addresses[i] != functions->addresses[i - 1])
			functions->addresses[kept++] = functions->addresses[i];
	functions->count = kept;
}

int fb_functions_find(struct fb_functions *functions, const char *glob, const char *available,
		      const char *symbols)
{
	struct names names = {};
	int error = read_names(&names, glob, available);

	if (!error)
		error = names.count ? read_addresses(functions, &names, symbols) : -ENOENT;
	if (!error)
		drop_repeated(functions);
	for (size_t i = 0; i < names.count; i++)
		free(names.items[i]);
	free(names.items);
	return error;
}

void fb_functions_free(struct fb_functions *functions)
{
	free(functions->addresses);
	functions->addresses = NULL;
	functions->count = 0;
}
