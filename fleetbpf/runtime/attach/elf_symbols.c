// SPDX-License-Identifier: Apache-2.0
#include "attach/elf_symbols.h"

#include <errno.h>
#include <gelf.h>
#include <stdbool.h>
#include <string.h>

#define HIDDEN 0x8000 /* of a version's number: not the default one */

/* What is looked for: "f@@V" in its parts. */
struct wanted {
	const char *name;
	size_t length;
	const char *version; /* NULL: any, the default one first */
	bool only_default;
};

/* A table of symbols, with their versions where it has some. */
struct table {
	Elf *elf;
	size_t strings; /* the section with its names */
	Elf_Data *symbols;
	size_t count;
	Elf_Data *versions; /* NULL: none */
};

/* The best symbol so far; of a higher rank is better. */
struct found {
	int rank; /* 0: none */
	bool indirect;
	bool several;
	size_t offset;
};

static struct wanted parse(const char *name)
{
	struct wanted wanted = {.name = name, .length = strcspn(name, "@")};
	const char *at = name + wanted.length;

	if (!*at)
		return wanted;
	wanted.only_default = at[1] == '@';
	wanted.version = at + 1 + wanted.only_default;
	return wanted;
}

static const char *text_at(Elf *elf, size_t section, size_t offset)
{
	const char *text = elf_strptr(elf, section, offset);

	return text ? text : "";
}

/* The data of the only section of a type, and its header. */
static Elf_Data *data_of(Elf *elf, GElf_Word type, GElf_Shdr *header)
{
	for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));)
		if (gelf_getshdr(section, header) && header->sh_type == type)
			return elf_getdata(section, NULL);
	return NULL;
}

/* The name of a version that the file defines; "" where it has none of that number. */
static const char *version_name(Elf *elf, unsigned int number)
{
	GElf_Shdr header;
	Elf_Data *data = data_of(elf, SHT_GNU_verdef, &header);
	GElf_Verdaux name;
	GElf_Verdef entry;
	int at = 0;

	for (size_t i = 0; data && i < header.sh_info; i++) {
		if (!gelf_getverdef(data, at, &entry))
			break;
		if (entry.vd_ndx == number && gelf_getverdaux(data, at + (int)entry.vd_aux, &name))
			return text_at(elf, header.sh_link, name.vda_name);
		if (!entry.vd_next)
			break;
		at += (int)entry.vd_next;
	}
	return "";
}

/* The version of a symbol: of a table of its own, or written behind the name ("f@@V"). */
static const char *version_of(const struct table *table, int index, const char *name,
			      bool *is_default)
{
	const char *at = strchr(name, '@');
	GElf_Versym number;

	*is_default = !at || at[1] == '@';
	if (at)
		return at + 1 + *is_default;
	if (!table->versions || !gelf_getversym(table->versions, index, &number))
		return "";
	*is_default = !(number & HIDDEN);
	return version_name(table->elf, number & (unsigned int)~HIDDEN);
}

static bool has_name(const struct wanted *wanted, const char *name)
{
	return !strncmp(name, wanted->name, wanted->length) &&
	       (!name[wanted->length] || name[wanted->length] == '@');
}

/* How well a symbol of that name fits; 0: not at all. A symbol seen by others is better. */
static int rank_of(const struct table *table, int index, const char *name, const GElf_Sym *symbol,
		   const struct wanted *wanted)
{
	static const int bindings[] = {[STB_LOCAL] = 1, [STB_GLOBAL] = 3, [STB_WEAK] = 2};
	unsigned int binding = GELF_ST_BIND(symbol->st_info);
	int rank = binding < sizeof(bindings) / sizeof(*bindings) ? bindings[binding] : 1;
	bool is_default;
	const char *version = version_of(table, index, name, &is_default);

	if (wanted->version && strcmp(version, wanted->version) != 0)
		return 0;
	if (wanted->only_default && !is_default)
		return 0;
	return is_default ? rank + 3 : rank;
}

static int offset_of(Elf *elf, const GElf_Sym *symbol, size_t *offset)
{
	GElf_Shdr header;

	if (!gelf_getshdr(elf_getscn(elf, symbol->st_shndx), &header))
		return -ENOEXEC;
	*offset = symbol->st_value - header.sh_addr + header.sh_offset;
	return 0;
}

static int look_at(const struct table *table, int index, const struct wanted *wanted,
		   struct found *found)
{
	const char *name;
	GElf_Sym symbol;
	size_t offset;
	int rank, error;

	if (!gelf_getsym(table->symbols, index, &symbol))
		return -ENOEXEC;
	if (symbol.st_shndx == SHN_UNDEF || symbol.st_shndx >= SHN_LORESERVE ||
	    (GELF_ST_TYPE(symbol.st_info) != STT_FUNC &&
	     GELF_ST_TYPE(symbol.st_info) != STT_GNU_IFUNC))
		return 0;
	name = text_at(table->elf, table->strings, symbol.st_name);
	rank = has_name(wanted, name) ? rank_of(table, index, name, &symbol, wanted) : 0;
	if (!rank || rank < found->rank)
		return 0;
	error = offset_of(table->elf, &symbol, &offset);
	if (error)
		return error;
	found->several = rank == found->rank && (found->several || offset != found->offset);
	found->rank = rank;
	found->offset = offset;
	found->indirect = GELF_ST_TYPE(symbol.st_info) == STT_GNU_IFUNC;
	return 0;
}

static int search(Elf *elf, GElf_Word type, const struct wanted *wanted, struct found *found)
{
	GElf_Shdr header, unused;
	struct table table = {.elf = elf, .symbols = data_of(elf, type, &header)};
	int error = 0;

	if (!table.symbols || !header.sh_entsize)
		return 0;
	table.strings = header.sh_link;
	table.count = header.sh_size / header.sh_entsize;
	if (type == SHT_DYNSYM)
		table.versions = data_of(elf, SHT_GNU_versym, &unused);
	for (size_t i = 0; !error && i < table.count; i++)
		error = look_at(&table, (int)i, wanted, found);
	return error;
}

static int find(Elf *elf, const char *name, size_t *offset)
{
	static const GElf_Word types[] = {SHT_DYNSYM, SHT_SYMTAB};
	const struct wanted wanted = parse(name);
	struct found found = {};
	int error = 0;

	if (!elf || elf_kind(elf) != ELF_K_ELF)
		return -ENOEXEC;
	for (size_t i = 0; !error && !found.rank && i < sizeof(types) / sizeof(*types); i++)
		error = search(elf, types[i], &wanted, &found);
	if (error || !found.rank)
		return error ? error : -ENOENT;
	if (found.several || found.indirect)
		return found.several ? -ENOTUNIQ : -ENOTSUP;
	*offset = found.offset;
	return 0;
}

int fb_elf_find_function(int fd, const char *name, size_t *offset)
{
	Elf *elf;
	int error;

	if (elf_version(EV_CURRENT) == EV_NONE)
		return -ENOEXEC;
	/* Read, not mapped: its owner may cut it meanwhile, and that would end us. */
	elf = elf_begin(fd, ELF_C_READ, NULL);
	error = find(elf, name, offset);
	elf_end(elf);
	return error;
}
