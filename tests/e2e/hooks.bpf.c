// SPDX-License-Identifier: GPL-2.0-only
/* One function for each kind of hook in code; the manifest of the test says where each goes. */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/usdt.bpf.h>

char LICENSE[] SEC("license") = "GPL";

#define SEES_IN(section, kind)                                                                     \
	SEC("?" section)                                                                           \
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
SEES_IN("kprobe.multi", kprobe_multi)
SEES_IN("kretprobe.multi", kretprobe_multi)
SEES(ksyscall)
SEES(kretsyscall)
SEES(fentry)
SEES(fexit)
SEES_IN("fentry.s", fentry_s)
SEES(uprobe)
SEES(uretprobe)
SEES(perf_event)
SEES_IN("lsm.s", lsm_s)

/* Not 0 but what was decided before is what lets a call go on. */
#define DECIDES_IN(section, kind)                                                                  \
	SEC("?" section)                                                                           \
	int BPF_PROG(on_##kind, struct task_struct *task, int before)                              \
	{                                                                                          \
		bpf_printk("seen by " #kind);                                                      \
		return before;                                                                     \
	}

DECIDES_IN("fmod_ret", fmod_ret)
DECIDES_IN("lsm", lsm)

SEC("?lsm_cgroup")
int on_lsm_cgroup(void *ctx)
{
	bpf_printk("seen by lsm_cgroup");
	return 1;
}

SEC("?usdt")
int BPF_USDT(on_usdt, int argument)
{
	if (argument == 41)
		bpf_printk("seen by usdt");
	return 0;
}

SEC("?iter/task")
int on_iter(struct bpf_iter__task *ctx)
{
	if (ctx->task)
		BPF_SEQ_PRINTF(ctx->meta->seq, "seen by iter\n");
	return 0;
}

/* Only one of these two is ever attached. */
SEC("?fentry/no_such_function")
int on_nothing(void *ctx)
{
	bpf_printk("seen by nothing");
	return 0;
}

SEES_IN("kprobe", stand_in)
