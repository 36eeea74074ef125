"""Which host judges for others, and what is known when they disagree."""

from fleetbpf.errors import Problem
from fleetbpf.judges import choose_judges, judge
from fleetbpf.model.trial import Trial, Tried, Verdict
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


def test_one_host_that_takes_a_program_is_enough() -> None:
    assert asked() == ["a"]
    assert asked(a=OK) == []
    assert known(a=OK) == [(Verdict.OK, ("a", "b", "c"))]


def test_a_host_that_fails_is_told_by_itself_and_another_one_judges() -> None:
    assert asked(a=None) == ["b"]
    assert known(a=None, b=OK) == [(Verdict.OK, ("b", "c"))]


def test_a_refusal_is_for_all_only_when_a_second_host_refuses() -> None:
    assert asked(a=REFUSED) == ["b"]
    assert asked(a=REFUSED, b=REFUSED) == []
    assert known(a=REFUSED, b=REFUSED) == [(Verdict.REFUSED, ("a", "b", "c"))]


def test_one_that_refuses_what_another_takes_is_told_apart() -> None:
    assert asked(a=REFUSED, b=OK) == []
    assert known(a=REFUSED, b=OK) == [(Verdict.OK, ("b", "c")), (Verdict.REFUSED, ("a",))]


def test_when_nobody_could_try_it_is_told_for_all() -> None:
    assert asked(a=None, b=None, c=None) == []
    assert known(a=None, b=None, c=None) == [(Verdict.UNTRIED, ("a", "b", "c"))]


def test_not_all_of_a_dead_fleet_are_asked() -> None:
    many = Trial(release=release(), kernel="6.1.0", arch="x86_64", hosts=tuple("abcdefgh"))
    heard = {(host, "hello"): None for host in "abcd"}
    assert choose_judges([many], heard) == {}
