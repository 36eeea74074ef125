// SPDX-License-Identifier: Apache-2.0
#include "maps/stacks.h"

#include <bpf/bpf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "json/hints.h"

void fb_stack_json(const unsigned char *frames, size_t size, struct fb_text *out)
{
	fb_text_puts(out, "[");
	for (size_t at = 0; at + 8 <= size; at += 8) {
		uint64_t address;

		memcpy(&address, frames + at, 8);
		if (!address)
			break;
		if (at)
			fb_text_puts(out, ",");
		/* The upper half is the kernel's, on every architecture that we know. */
		if (address >> 63)
			fb_encode_ksym(out, frames + at);
		else
			fb_encode_pointer(out, frames + at);
	}
	fb_text_puts(out, "]");
}

void fb_stack_find(int fd, size_t size, long long id, struct fb_text *out)
{
	uint32_t key = (uint32_t)id;
	unsigned char *frames = id < 0 || id > UINT32_MAX ? NULL : malloc(size);

	if (frames && !bpf_map_lookup_elem(fd, &key, frames))
		fb_stack_json(frames, size, out);
	else
		fb_text_puts(out, "null");
	free(frames);
}
