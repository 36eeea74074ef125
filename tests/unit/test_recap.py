"""The last words of a command over hosts."""

import pytest

from fleetbpf.cli import recap
from fleetbpf.cli.output import Output
from fleetbpf.cli.terminal.progress import Lines
from fleetbpf.errors import BuildError, Problem, UnreachableError


def test_what_several_hosts_share_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    error = BuildError(Problem(where="", what="no libraries for arm64"))
    recap.tell(Output(), [recap.of_error(host, error) for host in ("arm1", "arm2")])
    said = capsys.readouterr()
    assert said.err == "no libraries for arm64\n"
    assert [line.split()[0] for line in said.out.splitlines()] == ["arm1", "arm2"]


def dead(number: int) -> recap.HostRecap:
    problem = Problem(where=f"h{number:03}", what=f"10.0.0.{number}:22: refused", reason="refused")
    return recap.of_error(problem.where, UnreachableError(problem))


def test_many_dead_hosts_are_a_few_lines(capsys: pytest.CaptureFixture[str]) -> None:
    live = [recap.HostRecap(host=f"web{number}", ok=2) for number in (1, 2)]
    recap.tell(Output(), [*map(dead, range(100, 400)), *live])
    said = capsys.readouterr()
    assert said.err == "h[100:399]: refused (300 hosts)\n300 unreachable of 302 hosts\n"
    assert said.out.splitlines() == [
        "web1  ok=2  changed=0  unreachable=0  failed=0  skipped=0",
        "web2  ok=2  changed=0  unreachable=0  failed=0  skipped=0",
        "h[100:399]  ok=0  changed=0  unreachable=300  failed=0  skipped=0",
        "302 hosts: ok=4  changed=0  unreachable=300  failed=0  skipped=0",
    ]


def test_a_few_dead_hosts_have_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    recap.tell(Output(), [dead(1), dead(2)])
    said = capsys.readouterr()
    assert said.err == "h001: 10.0.0.1:22: refused\nh002: 10.0.0.2:22: refused\n"
    assert len(said.out.splitlines()) == 2


def test_each_dead_host_is_told_by_itself_with_v(capsys: pytest.CaptureFixture[str]) -> None:
    recap.tell_remarks(Output(verbosity=1), [dead(1), dead(2), dead(3)])
    assert len(capsys.readouterr().err.splitlines()) == 3


def test_of_many_dead_hosts_the_first_are_told_as_they_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown = Lines(Output())
    for number in range(300):
        shown.done(f"h{number}", "unreachable")
    shown.done("web1", "changed")
    *dead, more, live = capsys.readouterr().err.splitlines()
    assert len(dead) == 9
    assert more == "h9: unreachable; more of these are told at the end"
    assert live == "web1: changed"
