/* SPDX-License-Identifier: Apache-2.0 */
/* What a person should know though the loader runs: on stderr, in `state`, in the start record. */
#ifndef FB_WARNINGS_H
#define FB_WARNINGS_H

#include "base/text.h"

struct fb_warnings {
	struct fb_text json; /* an array of strings; empty as long as there is none */
};

/* One line, without a newline. */
__attribute__((format(printf, 2, 3))) void fb_warn(struct fb_warnings *warnings, const char *format,
						   ...);

/* A JSON array. */
const char *fb_warnings_json(const struct fb_warnings *warnings);
void fb_warnings_free(struct fb_warnings *warnings);

#endif
