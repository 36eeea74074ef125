// SPDX-License-Identifier: Apache-2.0
#include "attach/privileges.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Reading open descriptors, closing links, tracefs and the spool as their owner need none: seen on
 * 5.10, 6.1, 6.12 and 7.3.
 */
static const struct {
	unsigned int duty;
	unsigned int capability;
	const char *name;
} table[] = {
	/* Before 6.0 every call of bpf(2) where kernel.unprivileged_bpf_disabled is not 0. */
	{FB_CALL_BPF | FB_START, CAP_BPF, "CAP_BPF"},
	{FB_FOREIGN_FOLDERS | FB_START, CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE"},
	{FB_REMOVE_FILTERS | FB_START, CAP_NET_ADMIN, "CAP_NET_ADMIN"},
	{FB_START, CAP_SYS_ADMIN, "CAP_SYS_ADMIN"},
	{FB_START, CAP_PERFMON, "CAP_PERFMON"},
	{FB_START, CAP_SYSLOG, "CAP_SYSLOG"},
	{FB_START, CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH"},
	{FB_START, CAP_NET_RAW, "CAP_NET_RAW"},
	{FB_START, CAP_SYS_PTRACE, "CAP_SYS_PTRACE"},
	{FB_START, CAP_SYS_RESOURCE, "CAP_SYS_RESOURCE"}, /* locked memory, before 5.11 */
	{FB_START, CAP_SETPCAP, "CAP_SETPCAP"},		  /* to give up the rest of the set */
};

static int foreign(const char *folder)
{
	struct stat status;

	return folder && !stat(folder, &status) && status.st_uid != geteuid();
}

unsigned int fb_privileges_for_folders(const struct fb_options *options)
{
	/* tracefs is root's. */
	return geteuid() || foreign(options->spool) || foreign(options->run) ||
			       foreign(options->textfile)
		       ? FB_FOREIGN_FOLDERS
		       : 0;
}

/* The capabilities that we have and that the duties want, one bit each. */
static uint64_t wanted(unsigned int duties, uint64_t permitted)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		if (duties & table[i].duty)
			bits |= UINT64_C(1) << table[i].capability;
	bits &= permitted;
	/* An older systemd cannot give what it does not know. */
	if (duties & FB_CALL_BPF && !(bits & UINT64_C(1) << CAP_BPF))
		bits |= permitted & UINT64_C(1) << CAP_SYS_ADMIN;
	return bits;
}

static void names(uint64_t bits, struct fb_text *out)
{
	const char *comma = "[";

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		if (!(bits & UINT64_C(1) << table[i].capability))
			continue;
		fb_text_printf(out, "%s\"%s\"", comma, table[i].name);
		comma = ",";
	}
	fb_text_puts(out, out->used ? "]" : "[]");
}

/* Needs CAP_SETPCAP; without it the set may stay: with no new privileges exec gives none of it. */
static void narrow_bounding_set(uint64_t keep)
{
	for (unsigned int capability = 0; prctl(PR_CAPBSET_READ, capability) >= 0; capability++)
		if (!(keep & UINT64_C(1) << capability))
			prctl(PR_CAPBSET_DROP, capability);
}

int fb_privileges_drop(unsigned int duties, struct fb_text *kept, struct fb_problem *problem)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {};
	uint64_t keep;

	if (syscall(SYS_capget, &header, sets))
		return fb_fail(problem, "privileges", errno, "capget: %s", strerror(errno));
	keep = wanted(duties, (uint64_t)sets[1].permitted << 32 | sets[0].permitted);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	narrow_bounding_set(keep);
	for (unsigned int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		sets[i].permitted = sets[i].effective = (uint32_t)(keep >> 32 * i);
		sets[i].inheritable = 0;
	}
	if (syscall(SYS_capset, &header, sets))
		return fb_fail(problem, "privileges", errno, "cannot drop capabilities: %s",
			       strerror(errno));
	names(keep, kept);
	return 0;
}
