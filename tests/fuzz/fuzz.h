/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzzers hold true of any bytes. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/text.h"

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);

/* The bytes that made this false are kept by libFuzzer. */
static inline void must(bool holds)
{
	if (!holds)
		abort();
}

/* Every line is whole: it begins with { and ends with }, and no control character is in it. */
static inline void must_be_records(const struct fb_text *text)
{
	bool begins = true;

	for (size_t i = 0; i < text->used; i++) {
		must(!begins || text->bytes[i] == '{');
		begins = text->bytes[i] == '\n';
		must(begins ? text->bytes[i - 1] == '}' : (unsigned char)text->bytes[i] >= ' ');
	}
	must(begins);
}

/* A file of ours with these bytes; not NUL-terminated, as files are. */
void fuzz_write(const char *path, const unsigned char *bytes, size_t size);

/* An empty folder of this process, in memory where there is such a place. */
const char *fuzz_folder(void);

#endif
