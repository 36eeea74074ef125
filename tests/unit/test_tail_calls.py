"""Which functions only tail calls reach, as maps and functions name each other."""

import pytest

from fleetbpf.objects.tail_calls import TailCalls, waits

Names = dict[str, set[str]]


@pytest.mark.parametrize(
    ("held", "used", "reached"),
    [
        pytest.param({}, {"a": set()}, set(), id="no map of programs"),
        pytest.param({"m": {"b"}}, {"a": {"m"}, "b": set()}, {"b"}, id="called"),
        pytest.param({"m": {"b", "c"}}, {"a": {"m"}, "b": {"m"}, "c": set()}, {"b", "c"}, id="two"),
        pytest.param(
            {"m": {"b"}, "n": {"c"}}, {"a": {"m"}, "b": {"n"}, "c": set()}, {"b", "c"}, id="chain"
        ),
        pytest.param({"m": {"a"}}, {"a": {"m"}}, set(), id="itself"),
        pytest.param({"m": {"a", "b"}}, {"a": {"m"}, "b": {"m"}}, set(), id="each other"),
        pytest.param({"m": {"b"}}, {"a": {"n"}, "b": {"m"}}, set(), id="not from there"),
    ],
)
def test_what_tail_calls_reach(held: Names, used: Names, reached: set[str]) -> None:
    found = TailCalls(
        held={name: frozenset(each) for name, each in held.items()},
        used={name: frozenset(each) for name, each in used.items()},
    )
    assert found.reached == reached


@pytest.mark.parametrize(
    "section", ["xdp", "?xdp/eth0", "tcx/ingress", "?kprobe", "sk_skb/stream_parser"]
)
def test_a_section_without_a_place_waits(section: str) -> None:
    assert waits(section)


@pytest.mark.parametrize(
    "section", ["xdp/eth0", "kprobe/f", "tcx/eth0/ingress", "syscall", "stage/1"]
)
def test_a_section_with_a_place_does_not_wait(section: str) -> None:
    assert not waits(section)
