/* SPDX-License-Identifier: Apache-2.0 */
/* What an errno means at a hook. */
#ifndef FB_HOOK_REASONS_H
#define FB_HOOK_REASONS_H

#include "asked/hooks.h"

/* For people; strerror's words where this kind of hook has none of its own. */
const char *fb_hook_reason(const struct fb_hook_kind *kind, int error);

/* What the rows of hook_kinds.c name as `reason`, of hooks in code. */
const char *fb_tracepoint_reason(int error);
const char *fb_raw_tp_reason(int error);
const char *fb_writable_reason(int error);
const char *fb_kprobe_reason(int error);
const char *fb_kprobe_multi_reason(int error);
const char *fb_ksyscall_reason(int error);
const char *fb_uprobe_reason(int error);
const char *fb_usdt_reason(int error);
const char *fb_perf_event_reason(int error);

#endif
