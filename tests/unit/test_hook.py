"""Hooks as text and back."""

import pytest

from fleetbpf.model.hook import Hook, HookKind
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

    assert (hook.kind, hook.scope, hook.name) == (HookKind.UPROBE, path, "main")
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
        "KPROBE/f",
    ],
)
def test_what_is_not_a_hook_is_refused(text: str) -> None:
    with pytest.raises(MisunderstoodError):
        Hook.parse(text)
