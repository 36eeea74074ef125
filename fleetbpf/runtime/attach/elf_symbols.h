/* SPDX-License-Identifier: Apache-2.0 */
/* Where a function lies in a program or a library, also one that it has in several versions. */
#ifndef FB_ELF_SYMBOLS_H
#define FB_ELF_SYMBOLS_H

#include <stddef.h>

/*
 * Bytes from the file's begin. A name is "f", then the default version counts, "f@@V" or "f@V".
 * -ENOENT: there is none. -ENOTUNIQ: there are several that are alike. -ENOTSUP: the process
 * itself decides which function it is (IFUNC). -ENOEXEC: it is no ELF file, or a damaged one.
 */
int fb_elf_find_function(int fd, const char *name, size_t *offset);

#endif
