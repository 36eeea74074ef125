/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libbpf's bpf_tracing.h with what later versions of it have, so that programs written for those
 * compile with the libbpf of this machine: 1.2 brought the macros and the include.
 */
#ifndef FLEETBPF_BPF_TRACING_H
#define FLEETBPF_BPF_TRACING_H

#include <bpf/bpf_helpers.h>
#include_next <bpf/bpf_tracing.h>

#ifndef BPF_UPROBE
#define BPF_UPROBE(name, args...) BPF_KPROBE(name, ##args)
#define BPF_URETPROBE(name, args...) BPF_KRETPROBE(name, ##args)
#endif

/* A system call's sixth argument, where __PT_REGS_CAST says that an architecture is chosen. */
#if defined(__PT_REGS_CAST) && !defined(PT_REGS_PARM6_SYSCALL)
#ifdef bpf_target_arm64
#define ___fleetbpf_sixth regs[5]
#else
#define ___fleetbpf_sixth r9
#endif
#define PT_REGS_PARM6_SYSCALL(x) (__PT_REGS_CAST(x)->___fleetbpf_sixth)
#define PT_REGS_PARM6_CORE_SYSCALL(x) BPF_CORE_READ(__PT_REGS_CAST(x), ___fleetbpf_sixth)
#endif

#endif
