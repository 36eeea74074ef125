// SPDX-License-Identifier: Apache-2.0
#include "attach/hook_reasons.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The kernel's own ENOTSUPP, which no header for programs has; BPF's trampolines give it. */
#define NOT_SUPPORTED 524

const char *fb_tracepoint_reason(int error)
{
	return error == EACCES ? "the function reads beyond this tracepoint's fields (see its "
				 "format file)"
			       : NULL;
}

const char *fb_raw_tp_reason(int error)
{
	return error == ENOENT ? "it has no such raw tracepoint" : NULL;
}

const char *fb_writable_reason(int error)
{
	if (error == EINVAL)
		return "the function writes more than this tracepoint lets it";
	return fb_raw_tp_reason(error);
}

const char *fb_kprobe_reason(int error)
{
	if (error == ENOENT || error == EADDRNOTAVAIL)
		return "it has no such function (inlined, renamed, or in a module that is not "
		       "loaded)";
	if (error == EINVAL)
		return "this function or offset cannot be probed";
	return NULL;
}

const char *fb_kprobe_multi_reason(int error)
{
	if (error == EPERM)
		return "it hides the addresses of its functions (kernel.kptr_restrict=2)";
	if (error == ENODEV)
		return "it lists no functions that can be probed (no available_filter_functions "
		       "in tracefs: built without CONFIG_DYNAMIC_FTRACE, or it is not mounted)";
	if (error == ENOENT)
		return "it has no function of such a name that can be probed";
	return NULL;
}

const char *fb_ksyscall_reason(int error)
{
	return error == ENOENT || error == EADDRNOTAVAIL ? "it has no such system call" : NULL;
}

const char *fb_uprobe_reason(int error)
{
	switch (error) {
	case ENOENT:
		return "the file has no such function";
	case ENOTUNIQ:
		return "the file has several such functions: write a version (NAME@VERSION, "
		       "readelf --dyn-syms lists them) or the offset in the file in its place";
	case ENOTSUP:
		return "which function that is each process decides when it begins (IFUNC): "
		       "write the offset in the file in its place";
	case ENOEXEC:
		return "it is no ELF file, or a damaged one";
	default:
		return NULL;
	}
}

const char *fb_usdt_reason(int error)
{
	if (error == ENOENT)
		return "the file has no such USDT probe (readelf -n FILE lists them)";
	/* libbpf's usdt manager looks for the maps that the header declares. */
	if (error == ESRCH)
		return "the source does not include <bpf/usdt.bpf.h>";
	return NULL;
}

const char *fb_perf_event_reason(int error)
{
	if (error == ENOENT || error == EOPNOTSUPP || error == ENODEV)
		return "this machine has no such counter (virtual machines often have none of the "
		       "hardware's; cpu-clock is everywhere)";
	if (error == EINVAL)
		return "its frequency is above kernel.perf_event_max_sample_rate";
	return NULL;
}

/* A kind that came later: tried, not read off the release, for there are backports. */
static const char *lacking(const struct fb_hook_kind *kind, int error)
{
	static char text[128];

	if (error == EINVAL && fb_kernel_before(kind->since)) {
		snprintf(text, sizeof(text), "%s needs kernel %u.%u", kind->word, kind->since >> 8,
			 kind->since & 0xff);
		return text;
	}
	if (error != EOPNOTSUPP || !kind->wants)
		return NULL;
	snprintf(text, sizeof(text), "it was built without %s, which %s needs", kind->wants,
		 kind->word);
	return text;
}

const char *fb_hook_reason(const struct fb_hook_kind *kind, int error)
{
	const char *own = kind ? lacking(kind, error) : NULL;

	if (!own && kind && kind->reason)
		own = kind->reason(error);
	if (!own && error == NOT_SUPPORTED)
		own = "it cannot call BPF from its functions (arm64 can since kernel 6.4; it "
		      "takes CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS)";
	if (!own && !kind && error == EOPNOTSUPP)
		own = "the loader cannot attach this kind of section by itself";
	return own ? own : fb_error_text(error);
}
