/* SPDX-License-Identifier: Apache-2.0 */
/* In place of a skeleton: no object. */
#include <stddef.h>

static inline const void *_9_lives__elf_bytes(size_t *size)
{
	*size = 0;
	return NULL;
}
