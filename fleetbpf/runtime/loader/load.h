/* SPDX-License-Identifier: Apache-2.0 */
/* Opening the object and having the kernel judge it; a refusal keeps the verifier's words. */
#ifndef FB_LOAD_H
#define FB_LOAD_H

#include <bpf/libbpf.h>

#include "asked/options.h"
#include "asked/program.h"
#include "base/problem.h"

/* Open the embedded object; NULL with a problem. btf: files with the types of some kernels. */
struct bpf_object *fb_object_open(const struct fb_program *program, const struct fb_pairs *btf,
				  struct fb_problem *problem);

/* Load it; run is the folder for verifier.log, or NULL. */
int fb_object_load(struct bpf_object *object, const char *run, struct fb_problem *problem);

/* The lines of a verifier's log that say why: the last ones before "processed N insns". */
void fb_verifier_decisive(const char *log, struct fb_text *lines, struct fb_text *verdict);

#endif
