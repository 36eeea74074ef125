"""Hooks that a manifest asks for, against what the object is."""

from dataclasses import replace

import pytest

from fleetbpf.manifest import hook_checks
from fleetbpf.model.description import Call, Function
from fleetbpf.model.target import DesiredHook
from fleetbpf.plan.release import attachment
from tests.unit.samples import description, program

XDP = DesiredHook(function="f", first_of=("xdp/eth0",), where="hello.yml:6:7")


def told(hook: DesiredHook | None = None, *, allow: tuple[str, ...] = ()) -> list[str]:
    hooks = () if hook is None else (hook,)
    found = hook_checks.of(program(hooks=hooks, allow=allow), description())
    return [f"{problem.where}: {problem.what}; {problem.hint}" for problem in found]


def test_a_hook_that_only_observes_needs_no_leave() -> None:
    assert told() == []
    assert told(replace(XDP, first_of=("kprobe/f",))) == []


def test_a_hook_that_changes_what_a_host_does_must_be_allowed_by_name() -> None:
    (what,) = told(XDP)
    assert what == (
        "hello.yml:3:3: f on xdp/eth0 may change what the host does, and the manifest does not "
        "allow it; if that is meant, write `allow: [xdp]` here"
    )
    assert told(XDP, allow=("xdp",)) == []


@pytest.mark.parametrize(
    ("hook", "name"),
    [
        ("xdp.frags/eth0", "xdp"),
        ("tc/eth0/ingress", "tc"),
        ("tcx/eth0/ingress", "tcx"),
        ("lsm.s/file_open", "lsm"),
        ("fmod_ret/f", "fmod_ret"),
        ("cgroup/connect4//sys/fs/cgroup", "cgroup"),
        ("cgroup_skb/egress//sys/fs/cgroup", "cgroup_skb"),
        ("sockops//sys/fs/cgroup", "sockops"),
        ("sk_lookup//proc/1/ns/net", "sk_lookup"),
        ("netfilter/ipv4/local_in", "netfilter"),
        ("raw_tracepoint.w/x", "raw_tracepoint.w"),
    ],
)
def test_each_kind_is_allowed_by_its_own_name(hook: str, name: str) -> None:
    asked = replace(XDP, first_of=(hook,))
    assert f"`allow: [{name}]`" in told(asked)[0]
    assert told(asked, allow=(name,)) == []


def test_an_alternative_and_a_section_count_too() -> None:
    assert len(told(replace(XDP, first_of=("kprobe/f", "lsm/file_open")))) == 1
    (problem,) = hook_checks.of(program(), description(section="xdp"))
    assert problem.what.startswith("f on xdp may change")


def test_a_helper_that_changes_what_a_host_does_must_be_allowed_by_name() -> None:
    inside = description(calls=(Call(function="g", name="bpf_send_signal", place="g.bpf.c:9"),))
    (problem,) = hook_checks.of(program(allow=("xdp",)), inside)
    assert problem.what == (
        "g calls bpf_send_signal at g.bpf.c:9, which may change what the host does, and the "
        "manifest does not allow it"
    )
    assert "`allow: [xdp, bpf_send_signal]`" in problem.hint
    assert not list(hook_checks.of(program(allow=("bpf_send_signal",)), inside))


def test_a_function_that_is_not_there_is_named_with_its_line() -> None:
    assert told(DesiredHook(function="nobody", first_of=("kprobe/f",), where="hello.yml:6:7")) == [
        "hello.yml:6:7: hello has no function `nobody`; its functions: f, g"
    ]
    assert "no function `h`" in told(DesiredHook(function="g", unless="h"))[0]


@pytest.mark.parametrize("section", ["xdp", "?xdp/eth0", "xdp/eth0"])
def test_where_only_tail_calls_go_the_section_counts_for_nothing(section: str) -> None:
    called = Function(name="f", section=section, held=True, called=True)
    inside = description(functions=(called, Function(name="g", section="kprobe/x")))
    assert not list(hook_checks.of(program(), inside))
    assert [name for name, _ in hook_checks.required(program(), inside)] == ["g"]
    asked = replace(XDP, load=True, first_of=())
    assert not list(hook_checks.of(program(hooks=(asked,)), inside))
    assert len(list(hook_checks.of(program(hooks=(XDP,)), inside))) == 1


def test_the_loader_is_told_of_alternatives_and_conditions() -> None:
    hook = DesiredHook(function="f", first_of=("fentry/x", "kprobe/x"), optional=True)
    assert attachment(hook) == ("--attach", "f=fentry/x", "--or", "kprobe/x", "--optional")
    other = DesiredHook(function="g", unless="f")
    assert attachment(other) == ("--attach", "g", "--unless", "f")
    assert attachment(DesiredHook(function="f", load=True)) == ("--load", "f")
