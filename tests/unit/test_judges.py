"""Which host judges for others, and what is known when they disagree."""

from collections.abc import Mapping

import pytest

from fleetbpf.deploy.judges import choose_judges, judge
from fleetbpf.deploy.trial import Trial, Tried, Verdict
from fleetbpf.errors import Problem
from tests.unit.samples import release

NO = Problem(where="hello", what="refused")
TRIAL = Trial(release=release(), kernel="6.1.0", arch="x86_64", hosts=("a", "b", "c"))
OK = Tried(problems={"hello": None}, missing={})
REFUSED = Tried(problems={"hello": NO}, missing={})


def asked(**said: Tried | None) -> list[str]:
    """Who is asked next."""
    return list(choose_judges([TRIAL], {(host, "hello"): tried for host, tried in said.items()}))


def known(**said: Tried | None) -> list[tuple[Verdict, tuple[str, ...]]]:
    heard = {(host, "hello"): tried for host, tried in said.items()}
    return [(each.verdict, each.trial.hosts) for each in judge([TRIAL], heard)]


def test_two_hosts_that_take_a_program_are_enough() -> None:
    assert asked() == ["a", "b"]
    assert asked(a=OK, b=OK) == []
    assert known(a=OK, b=OK) == [(Verdict.OK, ("a", "b", "c"))]


def test_a_host_that_fails_is_told_by_itself_and_another_one_judges() -> None:
    assert asked(a=None, b=OK) == ["c"]
    assert known(a=None, b=OK, c=OK) == [(Verdict.OK, ("b", "c"))]


def test_two_that_refuse_do_not_decide_for_a_third() -> None:
    assert asked(a=REFUSED, b=REFUSED) == ["c"]
    assert known(a=REFUSED, b=REFUSED, c=OK) == [
        (Verdict.REFUSED, ("a", "b")),
        (Verdict.OK, ("c",)),
    ]


def test_four_that_refuse_decide_for_a_large_fleet() -> None:
    asked, told = rounds({f"web{number}": REFUSED for number in range(100)})
    assert asked == [2, 2]
    assert told == [(Verdict.REFUSED, 100)]


def test_where_two_do_not_agree_others_are_asked() -> None:
    assert asked(a=REFUSED, b=OK) == ["c"]
    assert known(a=REFUSED, b=OK, c=OK) == [(Verdict.OK, ("b", "c")), (Verdict.REFUSED, ("a",))]


def test_an_interrupted_check_gives_those_that_were_not_asked_no_verdict() -> None:
    assert known(a=OK) == [(Verdict.OK, ("a",)), (Verdict.UNTRIED, ("b", "c"))]
    assert known(a=REFUSED, b=None) == [(Verdict.REFUSED, ("a",)), (Verdict.UNTRIED, ("c",))]


def test_when_nobody_could_try_it_is_told_for_all() -> None:
    assert asked(a=None, b=None, c=None) == []
    assert known(a=None, b=None, c=None) == [(Verdict.UNTRIED, ("a", "b", "c"))]


def rounds(said: Mapping[str, Tried | None]) -> tuple[list[int], list[tuple[Verdict, int]]]:
    """How many hosts of a large fleet are asked at once, and of how many what is known then."""
    trial = Trial(release=release(), kernel="6.1.0", arch="x86_64", hosts=tuple(said))
    heard: dict[tuple[str, str], Tried | None] = {}
    asked = []
    while chosen := choose_judges([trial], heard):
        asked.append(len(chosen))
        assert not any((host, "hello") in heard for host in chosen)
        heard |= {(host, "hello"): said[host] for host in chosen}
    return asked, [(each.verdict, len(each.trial.hosts)) for each in judge([trial], heard)]


@pytest.mark.parametrize("liars", [0, 1, 3, 4, 5, 99])
def test_however_many_fail_the_others_have_their_verdict(liars: int) -> None:
    said: dict[str, Tried | None] = {f"liar{number}": None for number in range(liars)}
    asked, told = rounds(said | {f"web{number}": OK for number in range(100 - liars)})
    assert told == [(Verdict.OK, 100 - liars)]
    assert len(asked) <= 8


@pytest.mark.parametrize("place", [0, 1, 2, 3, 49])
@pytest.mark.parametrize("lie", [None, REFUSED], ids=["fails", "refuses"])
def test_one_liar_of_fifty_takes_no_verdict_from_the_others(lie: Tried | None, place: int) -> None:
    honest: dict[str, Tried | None] = {f"web{number}": OK for number in range(50)}
    _, told = rounds(honest | {f"web{place}": lie})
    assert told[0][0] is Verdict.OK
    assert told[0][1] >= 49


@pytest.mark.parametrize("place", [0, 1, 2, 3, 49])
def test_one_liar_of_fifty_has_no_program_taken_by_the_others(place: int) -> None:
    honest = {f"web{number}": REFUSED for number in range(50)}
    asked, told = rounds(honest | {f"web{place}": OK})
    assert told[0][0] is Verdict.REFUSED
    assert told[0][1] >= 49
    assert sum(asked) <= 8


def test_of_a_fleet_that_fails_each_host_is_asked_once_in_few_rounds() -> None:
    asked, told = rounds({f"web{number}": None for number in range(100)})
    assert asked == [2, 2, 4, 8, 16, 32, 36]
    assert told == [(Verdict.UNTRIED, 100)]
