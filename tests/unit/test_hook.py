"""Hooks as text and back."""

import re
from pathlib import Path

import pytest

from fleetbpf.model.hook import Hook
from fleetbpf.model.hook_kinds import KINDS
from fleetbpf.wording import MisunderstoodError


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("tp/syscalls/sys_enter_execve", "tracepoint/syscalls/sys_enter_execve"),
        ("raw_tp/sys_enter", "raw_tracepoint/sys_enter"),
        ("tp_btf/sched_process_exec", "tp_btf/sched_process_exec"),
        ("kprobe/do_unlinkat+16", "kprobe/do_unlinkat+0x10"),
        ("kprobe/foo.isra.0+0x0", "kprobe/foo.isra.0"),
        ("kretprobe/do_unlinkat", "kretprobe/do_unlinkat"),
        ("fentry/do_unlinkat", "fentry/do_unlinkat"),
        ("fexit/do_unlinkat", "fexit/do_unlinkat"),
        ("uprobe//bin/bash:readline+4", "uprobe//bin/bash:readline+0x4"),
        ("uretprobe/libc.so.6:malloc", "uretprobe/libc.so.6:malloc"),
        ("raw_tp.w/nbd_send_request", "raw_tracepoint.w/nbd_send_request"),
        ("ksyscall/openat", "ksyscall/openat"),
        ("kretsyscall/openat", "kretsyscall/openat"),
        ("kprobe.multi/vfs_*", "kprobe.multi/vfs_*"),
        ("kretprobe.multi/vfs_?ead", "kretprobe.multi/vfs_?ead"),
        ("usdt//opt/a:b:python:gc__start", "usdt//opt/a:b:python:gc__start"),
        ("usdt/libc.so.6:libc:setjmp", "usdt/libc.so.6:libc:setjmp"),
        ("perf_event/cpu-clock@49", "perf_event/cpu-clock@49"),
        ("perf_event/cycles@100000", "perf_event/cycles@100000"),
        ("fentry.s/do_unlinkat", "fentry.s/do_unlinkat"),
        ("fmod_ret/do_unlinkat", "fmod_ret/do_unlinkat"),
        ("lsm/file_open", "lsm/file_open"),
        ("lsm_cgroup/socket_bind//sys/fs/cgroup", "lsm_cgroup/socket_bind//sys/fs/cgroup"),
        ("iter/task@1m", "iter/task@60s"),
        ("iter/bpf_map_elem:counts", "iter/bpf_map_elem:counts"),
        ("uprobe//bin/bash:readline@12", "uprobe//bin/bash:readline@12"),
        ("uprobe//bin/bash:f@GLIBC_2.2.5", "uprobe//bin/bash:f@GLIBC_2.2.5"),
        ("usdt//opt/a@b:p:n@7", "usdt//opt/a@b:p:n@7"),
        ("xdp/eth0", "xdp/eth0"),
        ("xdp/eth0@skb", "xdp/eth0@skb"),
        ("classifier/eth0/egress", "tc/eth0/egress"),
        ("tcx/eth0.100/ingress", "tcx/eth0.100/ingress"),
        ("netfilter/ipv4/local_in@-0100", "netfilter/ipv4/local_in@-100"),
        ("socket/lo", "socket/lo"),
        ("sk_lookup//proc/1/ns/net", "sk_lookup//proc/1/ns/net"),
        ("sk_skb/stream_verdict/peers", "sk_skb/stream_verdict/peers"),
        ("cgroup/sock/web.slice", "cgroup/sock_create/web.slice"),
        ("cgroup/connect4//sys/fs/cgroup/a b", "cgroup/connect4//sys/fs/cgroup/a b"),
        ("cgroup_skb/ingress//sys/fs/cgroup", "cgroup_skb/ingress//sys/fs/cgroup"),
        ("sockops//sys/fs/cgroup", "sockops//sys/fs/cgroup"),
    ],
)
def test_a_hook_has_one_canonical_form(text: str, canonical: str) -> None:
    assert str(Hook.parse(text)) == canonical
    assert str(Hook.parse(canonical)) == canonical


@pytest.mark.parametrize(
    "path", ["/opt/my app/it's", '/opt/"q"', "/opt/$(reboot)", "/opt/a\nb", "/opt/a:b", "/opt/ü"]
)
def test_a_path_of_a_uprobe_is_carried_exactly(path: str) -> None:
    hook = Hook.parse(f"uprobe/{path}:main")

    assert hook.target == f"{path}:main"
    assert str(hook) == f"uprobe/{path}:main"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "kprobe",
        "kprobe/",
        "kprobe/a b",
        "kprobe/$(x)",
        "kprobe/f+",
        "kprobe/f+0x",
        "kprobe/f+-1",
        "tracepoint/syscalls",
        "tracepoint/a/b/c",
        "fentry/f+4",
        "uprobe//bin/bash",
        "uprobe/:main",
        "uprobe//bin/bash:two words",
        "uprobe//bin/a\0b:main",
        "uretprobe//bin/bash:main+4",
        "usdt//bin/bash",
        "usdt//bin/bash:main",
        "usdt/:libc:setjmp",
        "usdt/bin/bash:a:b",
        "usdt//bin/bash::b",
        "ksyscall/",
        "ksyscall/open*",
        "kprobe.multi/",
        "kprobe.multi/[a-z]",
        "kprobe.multi/vfs_*+4",
        "raw_tp.w/a/b",
        "perf_event/cpu-clock",
        "perf_event/cpu-clock@0",
        "perf_event/cpu-clock@100001",
        "perf_event/cpu-clock@ 9",
        "perf_event/no-such@9",
        "xdp",
        "xdp/eth0@fast",
        "xdp/eth0/ingress",
        "xdp/an_interface_name",
        "tc/eth0",
        "tc/eth0/up",
        "netfilter/ipv4",
        "netfilter/ipx/local_in",
        "netfilter/ipv4/local_in@x",
        "iter/task@9",
        "iter/task@1ms",
        "sk_lookup/self",
        "cgroup/connect4",
        "cgroup/nothing//x",
        "cgroup/connect4//a\0b",
        "uprobe//bin/bash:@12",
        "KPROBE/f",
    ],
)
def test_what_is_not_a_hook_is_refused(text: str) -> None:
    with pytest.raises(MisunderstoodError):
        Hook.parse(text)


def test_manifest_and_loader_know_the_same_kinds() -> None:
    """The loader's table says NAME twice for kinds that a macro of it makes; all are in order."""
    text = (
        Path(__file__).parents[2] / "fleetbpf" / "runtime" / "attach" / "hook_kinds.c"
    ).read_text()
    rows = text[text.index("fb_hook_kinds[] = {") :]
    words = re.findall(r'(?:\.word = |[A-Z_]+\()"([a-z0-9_./]+)"', rows)
    assert words == [kind.word for kind in KINDS]
