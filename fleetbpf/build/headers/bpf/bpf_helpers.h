/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libbpf's bpf_helpers.h with a label in every bpf_printk, so that a loader can tell its own lines
 * from those of any other program on the host. The loader overwrites the eight # in .rodata with
 * its id before the load, tells its tracefs instance to keep lines with that id only, and strips
 * it. A program that is loaded by other means prints the label as it stands here.
 */
#ifndef FLEETBPF_BPF_HELPERS_H
#define FLEETBPF_BPF_HELPERS_H

#include_next <bpf/bpf_helpers.h>

/* Without global data a format is built on the stack, where no loader could reach the label. */
#if defined(___bpf_pick_printk) && !defined(BPF_NO_GLOBAL_DATA)
#undef bpf_printk
#define bpf_printk(fmt, args...) ___bpf_pick_printk(args)("fb@########: " fmt, ##args)
#endif

/* libbpf 1.3 brought it. */
#ifndef bpf_ksym_exists
#define bpf_ksym_exists(sym)                                                                       \
	({                                                                                         \
		_Static_assert(!__builtin_constant_p(!!sym), #sym " should be marked as __weak");  \
		!!sym;                                                                             \
	})
#endif

#endif
