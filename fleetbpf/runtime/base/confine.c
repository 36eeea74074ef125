// SPDX-License-Identifier: Apache-2.0
#include "base/confine.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#define FOREIGN 0x40000000 /* x32: the same calls by other numbers */
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#define FOREIGN 0x40000000
#else
#define ARCH 0
#define FOREIGN 0
#endif

static const unsigned int never[] = {
	SYS_execve,
	SYS_execveat,
	SYS_ptrace,
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	SYS_init_module,
	SYS_finit_module,
	SYS_delete_module,
	SYS_kexec_load,
	SYS_reboot,
	SYS_swapon,
	SYS_swapoff,
	SYS_acct,
	SYS_quotactl,
	SYS_chroot,
	SYS_pivot_root,
	SYS_unshare,
	SYS_setns,
	SYS_open_by_handle_at,
	SYS_mknodat,
	SYS_fchown,
	SYS_fchownat,
	SYS_setuid,
	SYS_setgid,
	SYS_setresuid,
	SYS_setresgid,
	SYS_setgroups,
	SYS_settimeofday,
	SYS_clock_settime,
	SYS_adjtimex,
	SYS_clock_adjtime,
	SYS_sethostname,
	SYS_setdomainname,
	SYS_add_key,
	SYS_request_key,
	SYS_keyctl,
	SYS_userfaultfd,
	SYS_personality,
	425, /* io_uring_setup: it would make calls that no filter sees */
};

static const unsigned int at_start[] = {
	SYS_mount,	  SYS_umount2,	     428 /* open_tree */, 429 /* move_mount */,
	430 /* fsopen */, 432 /* fsmount */,
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define MOST (COUNT(never) + 8)

static void add(struct sock_fprog *program, struct sock_filter step)
{
	program->filter[program->len++] = step;
}

/* Another architecture's numbers mean other calls: none of them is made. */
static void begin(struct sock_fprog *program)
{
	const struct sock_filter steps[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	};

	for (size_t i = 0; i < COUNT(steps); i++)
		add(program, steps[i]);
}

static void refuse(const unsigned int *calls, size_t count)
{
	struct sock_filter filter[MOST];
	struct sock_fprog program = {.filter = filter};

	begin(&program);
	add(&program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, FOREIGN,
						   (unsigned char)(count + 1), 0));
	for (size_t i = 0; i < count; i++)
		add(&program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i],
							   (unsigned char)(count - i), 0));
	add(&program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
	add(&program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

void fb_confine(enum fb_confinement confinement)
{
	if (!ARCH)
		return;
	if (confinement == FB_TO_RUN)
		refuse(at_start, COUNT(at_start));
	refuse(never, COUNT(never));
}
