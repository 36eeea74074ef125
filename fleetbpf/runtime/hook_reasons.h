/* SPDX-License-Identifier: Apache-2.0 */
/* What an errno means at a hook. */
#ifndef FB_HOOK_REASONS_H
#define FB_HOOK_REASONS_H

#include "hooks.h"

/* For people; strerror's words where this kind of hook has none of its own. */
const char *fb_hook_reason(enum fb_hook_kind kind, int error);

#endif
