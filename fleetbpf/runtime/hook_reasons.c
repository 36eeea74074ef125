// SPDX-License-Identifier: Apache-2.0
#include "hook_reasons.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

static bool kernel_before(int major, int minor)
{
	struct utsname kernel = {};
	char *rest = kernel.release;
	long first, second;

	if (uname(&kernel))
		return false;
	first = strtol(rest, &rest, 10);
	second = *rest == '.' ? strtol(rest + 1, NULL, 10) : 0;
	return first < major || (first == major && second < minor);
}

static const char *kprobe_multi_reason(int error)
{
	/* Links of this type are not known: EINVAL; tried, not read off the release: backports. */
	if (error == EINVAL && kernel_before(5, 18))
		return "kprobe.multi and kretprobe.multi need kernel 5.18";
	if (error == EOPNOTSUPP)
		return "it was built without CONFIG_FPROBE, which kprobe.multi needs";
	if (error == EPERM)
		return "it hides the addresses of its functions (kernel.kptr_restrict=2)";
	if (error == ENODEV)
		return "it lists no functions that can be probed (no available_filter_functions "
		       "in tracefs: built without CONFIG_DYNAMIC_FTRACE, or it is not mounted)";
	if (error == ENOENT)
		return "it has no function of such a name that can be probed";
	return NULL;
}

static const char *kprobe_reason(int error)
{
	if (error == ENOENT || error == EADDRNOTAVAIL)
		return "it has no such function (inlined, renamed, or in a module that is not "
		       "loaded)";
	if (error == EINVAL)
		return "this function or offset cannot be probed";
	return NULL;
}

static const char *usdt_reason(int error)
{
	if (error == ENOENT)
		return "the file has no such USDT probe (readelf -n FILE lists them)";
	/* libbpf's usdt manager looks for the maps that the header declares. */
	if (error == ESRCH)
		return "the source does not include <bpf/usdt.bpf.h>";
	return NULL;
}

static const char *perf_event_reason(int error)
{
	if (error == ENOENT || error == EOPNOTSUPP || error == ENODEV)
		return "this machine has no such counter (virtual machines often have none of the "
		       "hardware's; cpu-clock is everywhere)";
	if (error == EINVAL)
		return "its frequency is above kernel.perf_event_max_sample_rate";
	return NULL;
}

/* NULL for what it always means. */
static const char *own_reason(enum fb_hook_kind kind, int error)
{
	switch (kind) {
	case FB_HOOK_TRACEPOINT:
		return error == EACCES
			       ? "the function reads beyond this tracepoint's fields (see its "
				 "format file)"
			       : NULL;
	case FB_HOOK_RAW_TP:
		return error == ENOENT ? "it has no such raw tracepoint" : NULL;
	case FB_HOOK_RAW_TP_WRITABLE:
		if (error == EINVAL)
			return "the function writes more than this tracepoint lets it";
		return error == ENOENT ? "it has no such raw tracepoint" : NULL;
	case FB_HOOK_KPROBE:
	case FB_HOOK_KRETPROBE:
		return kprobe_reason(error);
	case FB_HOOK_KSYSCALL:
	case FB_HOOK_KRETSYSCALL:
		return error == ENOENT || error == EADDRNOTAVAIL ? "it has no such system call"
								 : NULL;
	case FB_HOOK_KPROBE_MULTI:
	case FB_HOOK_KRETPROBE_MULTI:
		return kprobe_multi_reason(error);
	case FB_HOOK_UPROBE:
	case FB_HOOK_URETPROBE:
		return error == ENOENT ? "the file has no such symbol" : NULL;
	case FB_HOOK_USDT:
		return usdt_reason(error);
	case FB_HOOK_PERF_EVENT:
		return perf_event_reason(error);
	case FB_HOOK_OTHER:
		return error == EOPNOTSUPP
			       ? "the loader cannot attach this kind of section by itself"
			       : NULL;
	case FB_HOOK_TP_BTF:
	case FB_HOOK_FENTRY:
	case FB_HOOK_FEXIT:
		break;
	}
	return NULL;
}

const char *fb_hook_reason(enum fb_hook_kind kind, int error)
{
	const char *own = own_reason(kind, error);

	return own ? own : strerror(error);
}
