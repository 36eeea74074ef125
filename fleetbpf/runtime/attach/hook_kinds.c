// SPDX-License-Identifier: Apache-2.0
/* Every kind of hook: what it is called, loaded as, and attached by. */
#include <linux/bpf.h>

#include "asked/hooks.h"
#include "attach/cgroup_hooks.h"
#include "attach/hook_reasons.h"
#include "attach/iter.h"
#include "attach/net_hooks.h"
#include "attach/perf_event.h"
#include "attach/sockmap.h"
#include "attach/tracing_hooks.h"

/* Of later kernels than the headers that this is compiled with may know. */
#define NETFILTER_PROGRAM ((enum bpf_prog_type)32)
#define NETFILTER_LINK ((enum bpf_attach_type)45)

/* A function that may sleep is a kind of its own: libbpf marks it by the section's name. */
#define TYPED(NAME, ATTACH_TYPE, FORM, FLAGS)                                                      \
	{                                                                                          \
		.word = (NAME),                                                                    \
		.form = (FORM),                                                                    \
		.program_type = BPF_PROG_TYPE_TRACING,                                             \
		.attach_type = (ATTACH_TYPE),                                                      \
		.flags = (FLAGS),                                                                  \
		.typed = true,                                                                     \
		.parse = fb_parse_name,                                                            \
		.prepare = fb_typed_prepare,                                                       \
		.attach = fb_typed_attach,                                                         \
	}

#define LSM(NAME, FLAGS)                                                                           \
	{                                                                                          \
		.word = (NAME),                                                                    \
		.form = "/HOOK, as in lsm/file_open",                                              \
		.program_type = BPF_PROG_TYPE_LSM,                                                 \
		.attach_type = BPF_LSM_MAC,                                                        \
		.flags = (FLAGS),                                                                  \
		.typed = true,                                                                     \
		.parse = fb_parse_name,                                                            \
		.prepare = fb_lsm_prepare,                                                         \
		.attach = fb_lsm_attach,                                                           \
	}

#define ITER(NAME, FLAGS)                                                                          \
	{                                                                                          \
		.word = (NAME),                                                                    \
		.form = "/TYPE[:MAP][@SECONDSs], as in iter/task@10s",                             \
		.program_type = BPF_PROG_TYPE_TRACING,                                             \
		.attach_type = BPF_TRACE_ITER,                                                     \
		.flags = (FLAGS),                                                                  \
		.typed = true,                                                                     \
		.parse = fb_parse_iter,                                                            \
		.prepare = fb_typed_prepare,                                                       \
		.attach = fb_iter_attach,                                                          \
		.reason = fb_iter_reason,                                                          \
	}

#define KPROBE(NAME, FORM, PARSE, RETURNS)                                                         \
	{                                                                                          \
		.word = (NAME),                                                                    \
		.form = (FORM),                                                                    \
		.program_type = BPF_PROG_TYPE_KPROBE,                                              \
		.returns = (RETURNS),                                                              \
		.parse = (PARSE),                                                                  \
		.prepare = fb_kprobe_prepare,                                                      \
		.attach = fb_kprobe_attach,                                                        \
		.reason = fb_kprobe_reason,                                                        \
	}

#define KPROBE_MULTI(NAME, RETURNS)                                                                \
	{                                                                                          \
		.word = (NAME),                                                                    \
		.form = "/GLOB, with * and ?",                                                     \
		.program_type = BPF_PROG_TYPE_KPROBE,                                              \
		.attach_type = BPF_TRACE_KPROBE_MULTI,                                             \
		.returns = (RETURNS),                                                              \
		.since = FB_KERNEL(5, 18),                                                         \
		.wants = "CONFIG_FPROBE",                                                          \
		.parse = fb_parse_name,                                                            \
		.attach = fb_kprobe_multi_attach,                                                  \
		.reason = fb_kprobe_multi_reason,                                                  \
	}

#define KSYSCALL(NAME, RETURNS)                                                                    \
	{                                                                                          \
		.word = (NAME),                                                                    \
		.form = "/NAME, as in ksyscall/openat",                                            \
		.program_type = BPF_PROG_TYPE_KPROBE,                                              \
		.returns = (RETURNS),                                                              \
		.parse = fb_parse_name,                                                            \
		.prepare = fb_kprobe_prepare,                                                      \
		.attach = fb_ksyscall_attach,                                                      \
		.reason = fb_ksyscall_reason,                                                      \
	}

#define UPROBE(NAME, FORM, RETURNS, FLAGS)                                                         \
	{                                                                                          \
		.word = (NAME),                                                                    \
		.form = (FORM),                                                                    \
		.program_type = BPF_PROG_TYPE_KPROBE,                                              \
		.flags = (FLAGS),                                                                  \
		.returns = (RETURNS),                                                              \
		.parse = fb_parse_uprobe,                                                          \
		.prepare = fb_uprobe_prepare,                                                      \
		.attach = fb_uprobe_attach,                                                        \
		.reason = fb_uprobe_reason,                                                        \
	}

#define XDP(NAME, FLAGS)                                                                           \
	{                                                                                          \
		.word = (NAME),                                                                    \
		.form = "/INTERFACE[@skb|@native]",                                                \
		.program_type = BPF_PROG_TYPE_XDP,                                                 \
		.attach_type = BPF_XDP,                                                            \
		.flags = (FLAGS),                                                                  \
		.parse = fb_parse_xdp,                                                             \
		.prepare = fb_interface_prepare,                                                   \
		.attach = fb_xdp_attach,                                                           \
		.reason = fb_xdp_reason,                                                           \
	}

#define TC(NAME, ALIAS, ATTACH, SINCE)                                                             \
	{                                                                                          \
		.word = (NAME),                                                                    \
		.alias = (ALIAS),                                                                  \
		.form = "/INTERFACE/ingress or …/egress",                                          \
		.program_type = BPF_PROG_TYPE_SCHED_CLS,                                           \
		.since = (SINCE),                                                                  \
		.parse = fb_parse_direction,                                                       \
		.prepare = fb_interface_prepare,                                                   \
		.attach = (ATTACH),                                                                \
		.reason = fb_tc_reason,                                                            \
	}

#define CGROUP(NAME, ALIAS, PROGRAM_TYPE, ATTACH_TYPE)                                             \
	{                                                                                          \
		.word = (NAME),                                                                    \
		.alias = (ALIAS),                                                                  \
		.form = "//PATH or /PATH below the cgroup2",                                       \
		.program_type = BPF_PROG_TYPE_##PROGRAM_TYPE,                                      \
		.attach_type = BPF_CGROUP_##ATTACH_TYPE,                                           \
		.parse = fb_parse_path,                                                            \
		.prepare = fb_cgroup_prepare,                                                      \
		.attach = fb_cgroup_attach,                                                        \
		.reason = fb_cgroup_reason,                                                        \
	}

#define NETNS(NAME, PROGRAM_TYPE, ATTACH_TYPE)                                                     \
	{                                                                                          \
		.word = (NAME),                                                                    \
		.form = "//PATH, as in …//proc/1/ns/net",                                          \
		.program_type = (PROGRAM_TYPE),                                                    \
		.attach_type = (ATTACH_TYPE),                                                      \
		.parse = fb_parse_path,                                                            \
		.prepare = fb_netns_prepare,                                                       \
		.attach = fb_netns_attach,                                                         \
		.reason = fb_netns_reason,                                                         \
	}

#define SOCKMAP(NAME, PROGRAM_TYPE, ATTACH_TYPE)                                                   \
	{                                                                                          \
		.word = (NAME),                                                                    \
		.form = "/MAP, a sockmap or sockhash of the program",                              \
		.program_type = (PROGRAM_TYPE),                                                    \
		.attach_type = (ATTACH_TYPE),                                                      \
		.parse = fb_parse_name,                                                            \
		.prepare = fb_sockmap_prepare,                                                     \
		.attach = fb_sockmap_attach,                                                       \
	}

#define SYMBOL "/PATH:SYMBOL[+OFFSET][@PID]"

const struct fb_hook_kind fb_hook_kinds[] = {
	{
		.word = "tracepoint",
		.alias = "tp",
		.form = "/SYSTEM/NAME",
		.program_type = BPF_PROG_TYPE_TRACEPOINT,
		.parse = fb_parse_tracepoint,
		.prepare = fb_tracepoint_prepare,
		.attach = fb_tracepoint_attach,
		.reason = fb_tracepoint_reason,
	},
	{
		.word = "raw_tracepoint",
		.alias = "raw_tp",
		.form = "/NAME",
		.program_type = BPF_PROG_TYPE_RAW_TRACEPOINT,
		.parse = fb_parse_name,
		.attach = fb_raw_tp_attach,
		.reason = fb_raw_tp_reason,
	},
	{
		.word = "raw_tracepoint.w",
		.alias = "raw_tp.w",
		.form = "/NAME",
		.program_type = BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE,
		.parse = fb_parse_name,
		.attach = fb_raw_tp_attach,
		.reason = fb_writable_reason,
	},
	TYPED("tp_btf", BPF_TRACE_RAW_TP, "/NAME", 0),
	TYPED("fentry", BPF_TRACE_FENTRY, "/FUNCTION", 0),
	TYPED("fentry.s", BPF_TRACE_FENTRY, "/FUNCTION", BPF_F_SLEEPABLE),
	TYPED("fexit", BPF_TRACE_FEXIT, "/FUNCTION", 0),
	TYPED("fexit.s", BPF_TRACE_FEXIT, "/FUNCTION", BPF_F_SLEEPABLE),
	TYPED("fmod_ret", BPF_MODIFY_RETURN, "/FUNCTION", 0),
	TYPED("fmod_ret.s", BPF_MODIFY_RETURN, "/FUNCTION", BPF_F_SLEEPABLE),
	LSM("lsm", 0),
	LSM("lsm.s", BPF_F_SLEEPABLE),
	{
		.word = "lsm_cgroup",
		.form = "/HOOK//PATH or …/HOOK/PATH below the cgroup2",
		.program_type = BPF_PROG_TYPE_LSM,
		.attach_type = BPF_LSM_CGROUP,
		.typed = true,
		.since = FB_KERNEL(6, 0),
		.parse = fb_parse_name_and_path,
		.prepare = fb_cgroup_lsm_prepare,
		.attach = fb_cgroup_attach,
		.reason = fb_cgroup_reason,
	},
	ITER("iter", 0),
	ITER("iter.s", BPF_F_SLEEPABLE),
	KPROBE("kprobe", "/FUNCTION[+OFFSET]", fb_parse_symbol, false),
	KPROBE("kretprobe", "/FUNCTION", fb_parse_symbol, true),
	KPROBE_MULTI("kprobe.multi", false),
	KPROBE_MULTI("kretprobe.multi", true),
	KSYSCALL("ksyscall", false),
	KSYSCALL("kretsyscall", true),
	UPROBE("uprobe", SYMBOL ", or an address in the file for SYMBOL", false, 0),
	UPROBE("uprobe.s", SYMBOL, false, BPF_F_SLEEPABLE),
	UPROBE("uretprobe", "/PATH:SYMBOL[@PID]", true, 0),
	UPROBE("uretprobe.s", "/PATH:SYMBOL[@PID]", true, BPF_F_SLEEPABLE),
	{
		.word = "usdt",
		.form = "/PATH:PROVIDER:NAME[@PID]",
		.program_type = BPF_PROG_TYPE_KPROBE,
		.parse = fb_parse_usdt,
		.prepare = fb_uprobe_prepare,
		.attach = fb_usdt_attach,
		.reason = fb_usdt_reason,
	},
	{
		.word = "perf_event",
		.form = "/EVENT@HZ with 1 to 100000 Hz, as in perf_event/cpu-clock@49",
		.program_type = BPF_PROG_TYPE_PERF_EVENT,
		.parse = fb_parse_event,
		.prepare = fb_perf_event_prepare,
		.attach = fb_perf_event_attach,
		.reason = fb_perf_event_reason,
	},
	XDP("xdp", 0),
	XDP("xdp.frags", BPF_F_XDP_HAS_FRAGS),
	TC("tc", "classifier", fb_tc_or_tcx_attach, 0),
	TC("tcx", NULL, fb_tcx_attach, FB_KERNEL(6, 6)),
	{
		.word = "netfilter",
		.form = "/PROTOCOL/POINT[@PRIORITY], as in netfilter/ipv4/local_in@-100",
		.program_type = NETFILTER_PROGRAM,
		.attach_type = NETFILTER_LINK,
		.since = FB_KERNEL(6, 4),
		.parse = fb_parse_netfilter,
		.prepare = fb_netfilter_prepare,
		.attach = fb_netfilter_attach,
		.reason = fb_netfilter_reason,
	},
	{
		.word = "socket",
		.form = "/INTERFACE",
		.program_type = BPF_PROG_TYPE_SOCKET_FILTER,
		.parse = fb_parse_name,
		.prepare = fb_interface_prepare,
		.attach = fb_socket_attach,
	},
	NETNS("sk_lookup", BPF_PROG_TYPE_SK_LOOKUP, BPF_SK_LOOKUP),
	NETNS("flow_dissector", BPF_PROG_TYPE_FLOW_DISSECTOR, BPF_FLOW_DISSECTOR),
	SOCKMAP("sk_msg", BPF_PROG_TYPE_SK_MSG, BPF_SK_MSG_VERDICT),
	SOCKMAP("sk_skb/stream_parser", BPF_PROG_TYPE_SK_SKB, BPF_SK_SKB_STREAM_PARSER),
	SOCKMAP("sk_skb/stream_verdict", BPF_PROG_TYPE_SK_SKB, BPF_SK_SKB_STREAM_VERDICT),
	CGROUP("cgroup_skb/ingress", NULL, CGROUP_SKB, INET_INGRESS),
	CGROUP("cgroup_skb/egress", NULL, CGROUP_SKB, INET_EGRESS),
	CGROUP("cgroup/sock_create", "cgroup/sock", CGROUP_SOCK, INET_SOCK_CREATE),
	CGROUP("cgroup/sock_release", NULL, CGROUP_SOCK, INET_SOCK_RELEASE),
	CGROUP("cgroup/post_bind4", NULL, CGROUP_SOCK, INET4_POST_BIND),
	CGROUP("cgroup/post_bind6", NULL, CGROUP_SOCK, INET6_POST_BIND),
	CGROUP("cgroup/bind4", NULL, CGROUP_SOCK_ADDR, INET4_BIND),
	CGROUP("cgroup/bind6", NULL, CGROUP_SOCK_ADDR, INET6_BIND),
	CGROUP("cgroup/connect4", NULL, CGROUP_SOCK_ADDR, INET4_CONNECT),
	CGROUP("cgroup/connect6", NULL, CGROUP_SOCK_ADDR, INET6_CONNECT),
	CGROUP("cgroup/sendmsg4", NULL, CGROUP_SOCK_ADDR, UDP4_SENDMSG),
	CGROUP("cgroup/sendmsg6", NULL, CGROUP_SOCK_ADDR, UDP6_SENDMSG),
	CGROUP("cgroup/recvmsg4", NULL, CGROUP_SOCK_ADDR, UDP4_RECVMSG),
	CGROUP("cgroup/recvmsg6", NULL, CGROUP_SOCK_ADDR, UDP6_RECVMSG),
	CGROUP("cgroup/getpeername4", NULL, CGROUP_SOCK_ADDR, INET4_GETPEERNAME),
	CGROUP("cgroup/getpeername6", NULL, CGROUP_SOCK_ADDR, INET6_GETPEERNAME),
	CGROUP("cgroup/getsockname4", NULL, CGROUP_SOCK_ADDR, INET4_GETSOCKNAME),
	CGROUP("cgroup/getsockname6", NULL, CGROUP_SOCK_ADDR, INET6_GETSOCKNAME),
	CGROUP("cgroup/getsockopt", NULL, CGROUP_SOCKOPT, GETSOCKOPT),
	CGROUP("cgroup/setsockopt", NULL, CGROUP_SOCKOPT, SETSOCKOPT),
	CGROUP("cgroup/sysctl", NULL, CGROUP_SYSCTL, SYSCTL),
	CGROUP("cgroup/dev", NULL, CGROUP_DEVICE, DEVICE),
	CGROUP("sockops", NULL, SOCK_OPS, SOCK_OPS),
};

const size_t fb_hook_kind_count = sizeof(fb_hook_kinds) / sizeof(*fb_hook_kinds);
