// SPDX-License-Identifier: GPL-2.0-only
/* One function for each kind of hook; the manifest of the test says where each goes. */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define SEES(kind)                                                                                 \
	SEC(#kind)                                                                                 \
	int on_##kind(void *ctx)                                                                   \
	{                                                                                          \
		bpf_printk("seen by " #kind);                                                      \
		return 0;                                                                          \
	}

SEES(tracepoint)
SEES(raw_tp)
SEES(tp_btf)
SEES(kprobe)
SEES(kretprobe)
SEES(fentry)
SEES(fexit)
SEES(uprobe)
SEES(uretprobe)
