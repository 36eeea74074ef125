/* SPDX-License-Identifier: Apache-2.0 */
/* Which of the kernel's functions an address lies in. */
#ifndef FB_SYMBOLS_H
#define FB_SYMBOLS_H

#include <stdbool.h>
#include <stdint.h>

struct fb_symbol {
	const char *name;   /* until the next call */
	const char *module; /* "" for the kernel itself */
	uint64_t offset;
};

/*
 * Open the kernel's list of symbols for later: whether it shows addresses is decided now, by the
 * capabilities that we have now. It is not read before the first address is asked for.
 */
void fb_symbols_open(const char *path);

/* False: no function is known there, or the kernel keeps its addresses to itself. */
bool fb_symbols_find(uint64_t address, struct fb_symbol *symbol);
void fb_symbols_close(void);

#endif
