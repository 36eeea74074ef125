"""Batches are changed one after the other, until one of them or the operator ends it."""

from collections.abc import Callable

from fleetbpf.deploy import rollout
from fleetbpf.deploy.rolling import Rolled, Rolling
from fleetbpf.deploy.rollout import Batch
from fleetbpf.errors import HostError, InterruptedHostError, Problem
from fleetbpf.fleet.fleet import Outcome
from fleetbpf.model.inventory import Host
from fleetbpf.model.rollout import BatchSize, Rollout
from fleetbpf.model.target import Target

ONE = (BatchSize(hosts=1),)
TWO = (BatchSize(hosts=2),)


def nothing(_: float) -> None:
    pass


def roll(
    hosts: str,
    settings: Rollout,
    *,
    failing: str = "",
    unchanged: str = "",
    interrupted: str = "",
    sleep: Callable[[float], None] = nothing,
) -> tuple[Rolled[str], list[str]]:
    """What becomes of hosts, of which some fail; and what is said on the way."""
    said: list[str] = []

    def change(batch: Batch) -> tuple[Outcome[str], ...]:
        return tuple(outcome(target.host) for target in batch.targets)

    def outcome(host: Host) -> Outcome[str]:
        problem = Problem(where=host.name, what="no")
        if host.name in interrupted.split():
            return Outcome(host=host, error=InterruptedHostError(problem))
        if host.name in failing.split():
            return Outcome(host=host, error=HostError(problem))
        return Outcome(host=host, value="ok" if host.name in unchanged.split() else "changed")

    targets = [
        Target(host=Host(name=name, address="::1"), become=True, programs=(), rollout=settings)
        for name in hosts.split()
    ]
    rolling = Rolling(
        change=change,
        failed=lambda found: found.value is None,
        changed=lambda found: found.value == "changed",
        say=said.append,
        sleep=sleep,
    )
    return rolling.over(rollout.batches(targets)), said


def words(rolled: Rolled[str]) -> str:
    """Who was begun, and who was not."""
    begun = " ".join(outcome.host.name for outcome in rolled.outcomes)
    return f"{begun} | {' '.join(target.host.name for target in rolled.skipped)}"


def test_all_batches_are_done_when_none_fails() -> None:
    rolled, said = roll("a b c", Rollout(serial=TWO))
    assert (words(rolled), rolled.stopped) == ("a b c | ", None)
    assert said == ["batch 1 of 2: a, b", "batch 2 of 2: c"]


def test_one_batch_is_not_announced() -> None:
    assert roll("a b", Rollout())[1] == []


def test_nothing_follows_a_failed_batch() -> None:
    rolled, _ = roll("a b c d", Rollout(serial=ONE), failing="b")
    assert words(rolled) == "a b | c d"
    assert "1 of 1 host failed (b)" in str(rolled.stopped)
    assert not rolled.takes_back


def test_a_failed_last_batch_ends_nothing() -> None:
    rolled, _ = roll("a b", Rollout(serial=ONE), failing="b")
    assert rolled.stopped is None


def test_a_rollout_with_rollback_is_taken_back_after_its_last_batch_too() -> None:
    rolled, _ = roll("a b", Rollout(serial=ONE, rollback=True), failing="b")
    assert rolled.stopped is not None
    assert rolled.takes_back


def test_a_tolerated_failure_lets_the_next_batch_begin() -> None:
    settings = Rollout(serial=TWO, max_fail_percentage=50)
    assert words(roll("a b c d", settings, failing="a")[0]) == "a b c d | "


def test_an_interrupted_batch_ends_the_rollout_and_nothing_is_taken_back() -> None:
    rolled, _ = roll("a b c", Rollout(serial=TWO, rollback=True), interrupted="b")
    assert words(rolled) == "a b | c"
    assert (rolled.interrupted, rolled.takes_back) == (True, False)
    assert "--start-at b" in str(rolled.stopped)


def test_a_pause_lies_between_two_batches_where_something_was_changed() -> None:
    slept: list[float] = []
    settings = Rollout(serial=ONE, pause=30)
    roll("a b c", settings, unchanged="b", sleep=slept.append)
    assert slept == [30]


def test_an_interrupted_pause_says_where_to_go_on() -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    rolled, _ = roll("a b c", Rollout(serial=ONE, pause=30), sleep=interrupt)
    assert (words(rolled), rolled.interrupted) == ("a | b c", True)
    assert "not touched: b, c" in str(rolled.stopped)
    assert "--start-at b" in str(rolled.stopped)
