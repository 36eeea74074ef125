// SPDX-License-Identifier: Apache-2.0
#include "base/symbols.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

#define FARTHEST (UINT64_C(1) << 20)	 /* no function is longer: what lies there has no symbol */
#define STALE (UINT64_C(10) * FB_SECOND) /* modules come and go */

struct entry {
	uint64_t address;
	uint32_t name; /* where in `names`; the module's name follows it */
};

/* Encoders get no context but the bytes: one table for the process. */
static struct {
	FILE *file;
	struct entry *entries;
	size_t count;
	struct fb_text names;
	uint64_t read_at; /* 0: not yet */
} table;

static int by_address(const void *one, const void *other)
{
	uint64_t left = ((const struct entry *)one)->address;
	uint64_t right = ((const struct entry *)other)->address;

	return (left > right) - (left < right);
}

/* The room doubles whenever it is full, at each power of two. */
static bool has_room(void)
{
	size_t room = table.count ? table.count * 2 : 1;
	struct entry *grown;

	if (table.count & (table.count - 1))
		return true;
	grown = realloc(table.entries, room * sizeof(*grown));
	if (grown)
		table.entries = grown;
	return grown;
}

static bool add(uint64_t address, const char *name, const char *module)
{
	if (!has_room())
		return false;
	table.entries[table.count++] = (struct entry){address, (uint32_t)table.names.used};
	fb_text_add(&table.names, name, strlen(name) + 1);
	fb_text_add(&table.names, module, strlen(module) + 1);
	return !table.names.failed;
}

/* Line: "ffffffff81234567 t vfs_read", and "\t[module]" perhaps. */
static bool add_line(char *line)
{
	char *end, *name, *module = "";
	uint64_t address = strtoull(line, &end, 16);

	if (!address || end[0] != ' ' || !strchr("tTwW", end[1]) || end[2] != ' ')
		return true;
	name = end + 3;
	end = name + strcspn(name, "\t\n");
	if (end[0] == '\t' && end[1] == '[') {
		module = end + 2;
		module[strcspn(module, "]\n")] = '\0';
	}
	*end = '\0';
	return add(address, name, module);
}

static void read_all(uint64_t now)
{
	char *line = NULL;
	size_t size = 0;

	table.count = 0;
	table.read_at = now;
	fb_text_cut(&table.names, 0);
	if (fseek(table.file, 0, SEEK_SET))
		return;
	while (getline(&line, &size, table.file) > 0)
		if (!add_line(line))
			break;
	free(line);
	if (table.count)
		qsort(table.entries, table.count, sizeof(*table.entries), by_address);
}

/* The last symbol at or below the address; NULL when there is none that is near. */
static const struct entry *below(uint64_t address)
{
	size_t low = 0, high = table.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table.entries[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || address - table.entries[low - 1].address > FARTHEST)
		return NULL;
	/* Of several names of one place the first. */
	while (low > 1 && table.entries[low - 2].address == table.entries[low - 1].address)
		low--;
	return &table.entries[low - 1];
}

static bool find(uint64_t address, struct fb_symbol *symbol)
{
	const struct entry *entry = below(address);

	if (!entry)
		return false;
	symbol->name = table.names.bytes + entry->name;
	symbol->module = symbol->name + strlen(symbol->name) + 1;
	symbol->offset = address - entry->address;
	return true;
}

void fb_symbols_open(const char *path)
{
	table.file = fopen(path, "re");
}

bool fb_symbols_find(uint64_t address, struct fb_symbol *symbol)
{
	uint64_t now = fb_now();
	bool found = find(address, symbol);

	/* The kernel's own do not move. */
	if (!table.file || (found && !symbol->module[0]) ||
	    (table.read_at && now - table.read_at < STALE))
		return found;
	read_all(now);
	return find(address, symbol);
}

void fb_symbols_close(void)
{
	if (table.file)
		fclose(table.file);
	free(table.entries);
	fb_text_free(&table.names);
	memset(&table, 0, sizeof(table));
}
