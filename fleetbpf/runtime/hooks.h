/* SPDX-License-Identifier: Apache-2.0 */
/* A hook's name, taken apart: what is the same in SEC("…"), --attach and a manifest. */
#ifndef FB_HOOKS_H
#define FB_HOOKS_H

#include <stdbool.h>
#include <stddef.h>

#include "problem.h"

enum fb_hook_kind {
	FB_HOOK_OTHER, /* libbpf may know it; we do not take it apart */
	FB_HOOK_TRACEPOINT,
	FB_HOOK_RAW_TP,
	FB_HOOK_RAW_TP_WRITABLE,
	FB_HOOK_TP_BTF,
	FB_HOOK_KPROBE,
	FB_HOOK_KRETPROBE,
	FB_HOOK_KPROBE_MULTI,
	FB_HOOK_KRETPROBE_MULTI,
	FB_HOOK_KSYSCALL,
	FB_HOOK_KRETSYSCALL,
	FB_HOOK_FENTRY,
	FB_HOOK_FEXIT,
	FB_HOOK_UPROBE,
	FB_HOOK_URETPROBE,
	FB_HOOK_USDT,
	FB_HOOK_PERF_EVENT,
};

struct fb_hook {
	enum fb_hook_kind kind;
	char text[512];	    /* as written, in the long form of its kind */
	char place[512];    /* tracepoint: system; uprobe and USDT: path; else "" */
	char provider[256]; /* USDT */
	/* Tracepoint, function, glob, system call, event or symbol; "" for an address in a file. */
	char name[256];
	size_t offset;	  /* kprobe: into the function; uprobe: into symbol or file */
	size_t frequency; /* perf_event: in Hz */
};

/* The kind that the first word of `text` names; FB_HOOK_OTHER when it is none of ours. */
enum fb_hook_kind fb_hook_kind(const char *text);

/* Whether a section names no hook: SEC("kprobe"). */
bool fb_hook_is_bare(const char *section);

/* Take `text` apart; the problem names the shape that is wanted. */
int fb_hook_parse(struct fb_hook *hook, const char *text, struct fb_problem *problem);

/* How many times a second a perf_event hook may ask for a sample. */
#define FB_FREQUENCY_MAX 100000

/* Attached by the type of one thing in the kernel's BTF: one such hook for a function. */
bool fb_hook_is_typed(enum fb_hook_kind kind);

#endif
