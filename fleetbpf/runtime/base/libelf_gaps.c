// SPDX-License-Identifier: Apache-2.0
/*
 * What a static libelf asks others for and a loader has no use for. All are weak, so a library that
 * has the real ones wins.
 *
 * - elfutils 0.192 forgot two functions in its libelf.a (sourceware bug 32293). They keep the
 *   chunks of elf_getdata_rawchunk(), which libbpf does not call; the tree they get is zeroed.
 * - Since 0.189 libelf packs and unpacks zstd, which adds 0.8 MB. Only debug sections are packed
 *   so, and no loader reads those: a section that is, is told as damaged.
 */
#include <stddef.h>

#define GAP __attribute__((weak))

GAP void eu_search_tree_init(void *tree)
{
	(void)tree;
}

GAP void eu_search_tree_fini(void *tree, void (*free_node)(void *))
{
	(void)tree;
	(void)free_node;
}

GAP unsigned int ZSTD_isError(size_t code)
{
	(void)code;
	return 1;
}

GAP size_t ZSTD_decompress(void *to, size_t room, const void *from, size_t size)
{
	(void)to;
	(void)room;
	(void)from;
	(void)size;
	return (size_t)-1;
}

GAP void *ZSTD_createCCtx(void)
{
	return NULL;
}

GAP size_t ZSTD_freeCCtx(void *context)
{
	(void)context;
	return 0;
}

GAP size_t ZSTD_compressStream2(void *context, void *to, void *from, int end)
{
	(void)context;
	(void)to;
	(void)from;
	(void)end;
	return (size_t)-1;
}
