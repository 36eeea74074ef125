/* SPDX-License-Identifier: Apache-2.0 */
/* Whose line is it: the label that the header shim puts into every bpf_printk. */
#ifndef FB_LABEL_H
#define FB_LABEL_H

#include <bpf/libbpf.h>
#include <stdbool.h>

#define FB_LABEL_BLANK "fb@########"
#define FB_LABEL (sizeof(FB_LABEL_BLANK))	   /* fb@k3j9x0ab and a NUL */
#define FB_LABEL_IN_LINE (FB_LABEL + sizeof(": ")) /* as it begins a line */

/* A fresh label that no other loader on this host has. */
int fb_label_make(char label[FB_LABEL]);

/* Put it in the place of every blank one; returns how many there were. Before load. */
size_t fb_label_fill(struct bpf_object *object, const char label[FB_LABEL]);

/*
 * Whether some function prints without a label, or may do so: it declared the helper itself, or
 * built its format on the stack. After load, when every instruction is as the kernel has it.
 */
bool fb_label_lacking(struct bpf_object *object);

#endif
