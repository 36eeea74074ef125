/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel's numbers are called; NULL for a number without a name. */
#ifndef FB_NAMES_H
#define FB_NAMES_H

#include <stddef.h>
#include <stdint.h>

const char *fb_errno_name(uint64_t number);   /* 2: "ENOENT"; the kernel's own too */
const char *fb_signal_name(uint64_t number);  /* 9: "SIGKILL"; none of real time */
const char *fb_syscall_name(uint64_t number); /* of the architecture that this is built for */

#endif
