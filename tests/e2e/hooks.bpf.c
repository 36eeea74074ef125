// SPDX-License-Identifier: GPL-2.0-only
/* One function for each kind of hook; the manifest of the test says where each goes. */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/usdt.bpf.h>

char LICENSE[] SEC("license") = "GPL";

#define SEES_IN(section, kind)                                                                     \
	SEC(section)                                                                               \
	int on_##kind(void *ctx)                                                                   \
	{                                                                                          \
		bpf_printk("seen by " #kind);                                                      \
		return 0;                                                                          \
	}
#define SEES(kind) SEES_IN(#kind, kind)

SEES(tracepoint)
SEES(raw_tp)
SEES_IN("raw_tp.w", raw_tp_w)
SEES(tp_btf)
SEES(kprobe)
SEES(kretprobe)
SEES(ksyscall)
SEES(kretsyscall)
SEES(fentry)
SEES(fexit)
SEES(uprobe)
SEES(uretprobe)
SEES(perf_event)

SEC("usdt")
int BPF_USDT(on_usdt, int argument)
{
	if (argument == 41)
		bpf_printk("seen by usdt");
	return 0;
}
