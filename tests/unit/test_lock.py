"""The lock: what others read of it, and waiting for it."""

from dataclasses import replace

import pytest

from fleetbpf.host import lock
from fleetbpf.model.facts import HostFacts, Lock
from tests.unit.samples import host_facts

HELD = Lock(
    pid=4711,
    stale=False,
    who="ann@desk",
    why="apply hello.yml",
    since="2026-11-24T12:00:00+00:00",
    age_s=200,
)


def test_a_second_operator_reads_who_since_when_and_why() -> None:
    problem = lock.problem("web1", HELD)
    assert problem.what == (
        "another fleetbpf is at work on this host: ann@desk, for 3 min 20 s "
        "(since 2026-11-24T12:00:00+00:00): apply hello.yml; pid 4711 there"
    )
    assert "fleetbpf unlock web1" in problem.hint


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59, "59 s"), (3600, "1 h"), (3661, "1 h 1 min"), (200_000, "2 d 7 h")],
)
def test_ages_are_told_in_their_two_largest_units(seconds: int, text: str) -> None:
    assert lock.told_age(seconds) == text


def test_a_lock_with_damaged_times_is_told_without_an_age() -> None:
    found = lock.read_line("x\theld\tann@desk\tnoon\t\t")
    assert found is not None
    assert lock.told(found) == "ann@desk; pid 0 there"


def test_a_lock_that_was_gone_when_it_was_to_be_told_is_none() -> None:
    assert lock.read_line("") is None


def test_a_host_is_asked_again_until_it_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "PAUSE", 0.0)
    answers = [host_facts(lock=HELD), host_facts(lock=HELD), host_facts()]

    def ask() -> HostFacts:
        return answers.pop(0)

    said: list[str] = []
    assert lock.when_free(ask, patience=60, tell=said.append).lock is None
    assert answers == []
    assert said == [f"waiting for {lock.told(HELD)}"]


@pytest.mark.parametrize("held", [HELD, replace(HELD, stale=True)])
def test_without_patience_and_for_a_stale_lock_nobody_waits(held: Lock) -> None:
    patience = 60.0 if held.stale else 0.0
    assert lock.when_free(lambda: host_facts(lock=held), patience=patience).lock == held
