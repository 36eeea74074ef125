/* SPDX-License-Identifier: Apache-2.0 */
/* Stacks that bpf_get_stackid has kept in a map, as lists of frames. */
#ifndef FB_STACKS_H
#define FB_STACKS_H

#include <stddef.h>

#include "base/text.h"

/* Addresses up to the first 0 as JSON: kernel ones with their symbols, user ones as they are. */
void fb_stack_json(const unsigned char *frames, size_t size, struct fb_text *out);

/* The stack `id` of the map `fd`; `null` where it has none: an error of bpf_get_stackid, say. */
void fb_stack_find(int fd, size_t size, long long id, struct fb_text *out);

#endif
