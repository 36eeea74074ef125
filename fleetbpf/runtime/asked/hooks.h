/* SPDX-License-Identifier: Apache-2.0 */
/* A hook's name, taken apart: what is the same in SEC("…"), --attach and a manifest. */
#ifndef FB_HOOKS_H
#define FB_HOOKS_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/problem.h"

struct fb_attachment;
struct fb_hook;

/* How many times a second a perf_event hook may ask for a sample. */
#define FB_FREQUENCY_MAX 100000

#define FB_KERNEL(major, minor) ((major) << 8 | (minor))

/* As the running kernel calls itself: whether it is older than FB_KERNEL(major, minor). */
bool fb_kernel_before(unsigned version);

/* All that there is to know about a kind of hook; hook_kinds.c has one row for each. */
struct fb_hook_kind {
	const char *word;  /* libbpf's name of the section: "kprobe", "cgroup/connect4" */
	const char *alias; /* another one, or NULL */
	const char *form;  /* what stands behind the word, as people write it: "/FUNCTION" */
	enum bpf_prog_type program_type;
	enum bpf_attach_type attach_type;
	uint32_t flags;	   /* of the program: BPF_F_SLEEPABLE … */
	bool typed;	   /* by one thing in the kernel's BTF, which the load looks up */
	bool returns;	   /* fires as a function returns */
	unsigned since;	   /* the kernel that brings it, where that is after 5.10 */
	const char *wants; /* what such a kernel may still have been built without, or NULL */

	/* What stands behind the word and its slash; false when it has not the form. */
	bool (*parse)(struct fb_hook *hook, const char *target);
	/* Before the load: refuse what this kernel or machine is known to lack. Or NULL. */
	int (*prepare)(const struct fb_attachment *attachment, struct fb_problem *problem);
	/* After the load: 0 with links in the attachment, or a negative errno. */
	int (*attach)(struct fb_attachment *attachment);
	/* What an errno of attach means; NULL for what it always means. Or NULL. */
	const char *(*reason)(int error);
};

struct fb_hook {
	const struct fb_hook_kind *kind; /* NULL: libbpf may know it; we do not take it apart */
	char text[512];			 /* as written, in the long form of its kind */
	/* Tracepoint: its system; uprobe and USDT: path; cgroup: its folder; or "" */
	char place[512];
	char provider[256]; /* of a USDT probe; the direction of tc, the map of an iterator */
	/* Tracepoint, function, glob, event, interface or symbol; "" for an address in a file. */
	char name[256];
	size_t offset;	  /* kprobe: into the function; uprobe: into symbol or file */
	size_t frequency; /* perf_event: in Hz */
	uint64_t every;	  /* iter: ns between two readings */
	int pid;	  /* uprobe and USDT: of the one process, or -1 for all */
	int priority;	  /* netfilter */
	uint32_t mode;	  /* xdp: XDP_FLAGS_…_MODE, or 0 */
};

/* The rows of hook_kinds.c. */
extern const struct fb_hook_kind fb_hook_kinds[];
extern const size_t fb_hook_kind_count;

/* The kind that `text` begins with; NULL when it is none of ours. */
const struct fb_hook_kind *fb_hook_kind(const char *text);

/* Whether a section names a kind of hook, but no place: SEC("kprobe"), SEC("tcx/ingress"). */
bool fb_hook_is_bare(const char *section);

/* Take `text` apart; the problem names the shape that is wanted. */
int fb_hook_parse(struct fb_hook *hook, const char *text, struct fb_problem *problem);

/* The forms that rows name as `parse`. */
bool fb_parse_name(struct fb_hook *hook, const char *target);
bool fb_parse_tracepoint(struct fb_hook *hook, const char *target);
bool fb_parse_symbol(struct fb_hook *hook, const char *target);
bool fb_parse_uprobe(struct fb_hook *hook, const char *target);
bool fb_parse_usdt(struct fb_hook *hook, const char *target);
bool fb_parse_event(struct fb_hook *hook, const char *target);
bool fb_parse_iter(struct fb_hook *hook, const char *target);
bool fb_parse_xdp(struct fb_hook *hook, const char *target);
bool fb_parse_direction(struct fb_hook *hook, const char *target);
bool fb_parse_netfilter(struct fb_hook *hook, const char *target);
bool fb_parse_path(struct fb_hook *hook, const char *target);
bool fb_parse_name_and_path(struct fb_hook *hook, const char *target);

#endif
