"""What hooks need of a host, and what it means when that is not there."""

from dataclasses import replace

import pytest

from fleetbpf.model.target import DesiredHook
from fleetbpf.plan import needs
from fleetbpf.plan.plan import obstacles
from tests.unit.samples import description, host_facts, program, release


@pytest.mark.parametrize(
    ("hook", "need"),
    [
        ("tracepoint/syscalls/sys_enter_execve", "event:syscalls/sys_enter_execve"),
        ("kprobe/do_unlinkat+0x10", "function:do_unlinkat"),
        ("kretprobe/do_unlinkat", "function:do_unlinkat"),
        ("fentry/do_unlinkat", "function:do_unlinkat"),
        ("lsm/file_open", "function:bpf_lsm_file_open"),
        ("raw_tp/sched_process_exec", "function:__traceiter_sched_process_exec"),
        ("tp_btf/sched_process_exec", "function:__traceiter_sched_process_exec"),
        ("xdp/eth0", "path:/sys/class/net/eth0"),
        ("tc/eth0/ingress", "path:/sys/class/net/eth0"),
        ("uprobe//usr/bin/x:main+0x4", "path:/usr/bin/x"),
        ("usdt//usr/lib/libc.so.6:libc:setjmp", "path:/usr/lib/libc.so.6"),
        ("uprobe/libc.so.6:malloc", ""),
        ("cgroup/connect4//sys/fs/cgroup/web", "path:/sys/fs/cgroup/web"),
        ("kprobe.multi/tcp_*", ""),
        ("perf_event/cpu-clock@49", ""),
        ("kprobe", ""),
    ],
)
def test_each_kind_of_hook_needs_what_it_attaches_to(hook: str, need: str) -> None:
    assert needs.of(hook) == need


def told(*hooks: DesiredHook, absent: frozenset[str]) -> list[str]:
    facts = replace(host_facts(), absent=absent)
    found = obstacles("web1", release(hooks=hooks), facts, description())
    return [problem.what for problem in found]


GONE = frozenset({"function:do_unlinkat"})


def test_a_function_that_a_kernel_has_not_is_an_obstacle() -> None:
    assert told(absent=GONE) == [
        "cannot attach f on kprobe/do_unlinkat: no function do_unlinkat there"
    ]
    assert told(absent=frozenset()) == []


@pytest.mark.parametrize(
    "hooks",
    [
        (DesiredHook(function="f", optional=True),),
        (DesiredHook(function="f", first_of=("kprobe/do_unlinkat", "kprobe/vfs_unlink")),),
        (DesiredHook(function="f"), DesiredHook(function="g", unless="f")),
    ],
)
def test_what_need_not_be_there_is_none(hooks: tuple[DesiredHook, ...]) -> None:
    assert told(*hooks, absent=GONE) == []


def test_a_host_is_asked_once_about_what_several_programs_need() -> None:
    pairs = [(program(name=name), description()) for name in ("one", "two")]
    assert needs.of_programs(pairs) == ("function:do_unlinkat",)


@pytest.mark.parametrize(
    ("need", "words"),
    [
        ("function:__traceiter_exec", "no tracepoint exec"),
        ("event:a/b", "no tracepoint a/b"),
        ("path:/sys/class/net/eth0", "no interface eth0"),
        ("path:/usr/bin/x", "no /usr/bin/x"),
    ],
)
def test_what_is_not_there_is_told_in_words(need: str, words: str) -> None:
    assert needs.told(need) == words
