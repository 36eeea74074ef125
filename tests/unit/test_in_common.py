"""What hosts have in common is told once."""

import pytest

from fleetbpf.connections import reasons
from fleetbpf.connections.settings import ConnectionSettings
from fleetbpf.errors import Problem
from fleetbpf.fleet import in_common


def test_a_warning_that_hosts_share_is_told_once() -> None:
    said = [("a", "no systemd there"), ("b", "no systemd there"), ("b", "more")]
    assert list(in_common.remarks(said)) == [
        "a, b: warning: no systemd there",
        "b: warning: more",
    ]


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (["a"], "a"),
        (["web1", "web2"], "web1, web2"),
        (["web08", "web09", "web10", "db"], "web[08:10], db"),
        (["r1.x.org", "r2.x.org", "r3.x.org"], "r[1:3].x.org"),
        (["web1", "web3", "web4"], "web1, web3, web4"),
        (["10.0.0.8", "10.0.0.9", "10.0.0.10"], "10.0.0.[8:10]"),
        ([f"node{n:03}.dc1.example.com" for n in range(1, 5)], "node[001:004].dc1.example.com"),
        (["r1n1", "r1n2", "r1n3", "r2n3", "r3n3"], "r1n[1:3], r2n3, r3n3"),
        (["1a1", "1a2", "2a2", "3a2", "4a2"], "1a1, 1a2, [2:4]a2"),
        (["web9", "web10", "web11"], "web[9:11]"),
        (["web09", "web010", "web011"], "web09, web010, web011"),
        (
            [f"n{n}x{n}" for n in range(15)],
            ", ".join(f"n{n}x{n}" for n in range(10)) + " and 5 more",
        ),
    ],
)
def test_neighbours_are_written_as_in_an_inventory(names: list[str], short: str) -> None:
    assert in_common.in_short(names) == short


def timed_out(*names: str) -> list[Problem]:
    """What is wrong with dead hosts, each of which has an address of its own."""
    ways = [
        ConnectionSettings(name=name, address=f"{name}.example", user="ops", known_hosts_files=())
        for name in names
    ]
    return [
        problem
        for way in ways
        for problem in reasons.not_dialled(way, TimeoutError(), timeout=10.0).problems
    ]


def test_hosts_that_are_dead_for_one_reason_are_one_problem_with_one_hint() -> None:
    names = [f"h{number:03}" for number in range(1, 481)]
    (problem,) = in_common.share(timed_out(*names))
    assert list(problem.lines()) == [
        "h[001:480]: timed out after 10 s while connecting (480 hosts)",
        "  hint: is the host up, and does no firewall drop the packets?",
    ]


def test_two_hosts_say_where_each_was_looked_for() -> None:
    assert [problem.what for problem in in_common.share(timed_out("a", "b"))] == [
        "a.example:22: timed out after 10 s while connecting",
        "b.example:22: timed out after 10 s while connecting",
    ]


def test_each_reason_is_a_problem_and_so_is_each_detail() -> None:
    said = ["sudo: no", "sudo: no", "sudo: no", "sudo: maybe"]
    problems = [
        Problem(where=f"h{number}", what="no command was run as root", detail=detail)
        for number, detail in enumerate(said)
    ]
    found = list(in_common.share([*timed_out("a", "b", "c"), *problems]))
    assert [(each.where, each.detail) for each in found] == [
        ("a, b, c", ""),
        ("h[0:2]", "sudo: no"),
        ("h3", "sudo: maybe"),
    ]


def test_a_hint_that_names_a_host_says_so() -> None:
    problems = [
        Problem(where=name, what=f"unknown host key of {name}", hint=f"scan {name}", reason="key")
        for name in ("a", "b", "c")
    ]
    (problem,) = in_common.share(problems)
    assert str(problem) == "a, b, c: key (3 hosts)\n  hint: for a: scan a"
