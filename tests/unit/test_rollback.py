"""Which way a program goes back: told by the host's history and by what lies there."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from fleetbpf.deploy import rollback
from fleetbpf.deploy.activation import Answer, Step
from fleetbpf.deploy.apply import Applied
from fleetbpf.deploy.rollback import Return
from fleetbpf.errors import Problem
from fleetbpf.host import history
from fleetbpf.host.failures import Failure
from fleetbpf.host.history import Entry, Outcome
from fleetbpf.model.facts import ProgramFacts
from fleetbpf.model.layout import HostLayout
from fleetbpf.plan.plan import Action, Change
from tests.answers import told
from tests.unit.samples import placed, release, running

KNOWN = running(release())


def there(current: str, *releases: str) -> ProgramFacts:
    found = (replace(KNOWN, release=name) for name in (*releases, current) if name)
    return replace(placed(release()), current=current, releases=tuple(found))


def entries(*told: tuple[Outcome, str, str], program: str = "hello") -> Sequence[Entry]:
    return [
        Entry(
            time=1,
            who="ann",
            deployment="demo",
            program=program,
            outcome=outcome,
            was=was,
            release=to,
            build_key="k",
            why="",
        )
        for outcome, was, to in told
    ]


READY, FAILED, BACK = Outcome.READY, Outcome.FAILED, Outcome.ROLLED_BACK
WAYS = [
    ([(READY, "", "a"), (READY, "a", "b")], there("b", "a"), "a"),
    ([(READY, "z", "a"), (READY, "a", "b"), (FAILED, "b", "c")], there("b", "a", "z"), "a"),
    ([(READY, "a", "b"), (READY, "b", "b")], there("b", "a"), "a"),
    ([(READY, "a", "b"), (BACK, "b", "a"), (READY, "a", "c")], there("c", "a", "b"), "a"),
    ([(READY, "a", "b"), (BACK, "b", "a")], there("a", "b"), None),
]


@pytest.mark.parametrize(("told", "program", "to"), WAYS)
def test_a_program_goes_back_to_the_release_that_was_current_before(
    told: list[tuple[Outcome, str, str]], program: ProgramFacts, to: str | None
) -> None:
    way = rollback.before("web1", program, entries(*told))
    wanted = Return(program="hello", now=program.current, to=to) if to else None
    assert way == wanted


REFUSALS = [
    ([], there("b", "a"), "its history does not tell which release was there before b", "--to: a"),
    ([], there(""), "there is nothing to roll back: no release of it was ever", "apply"),
    ([(READY, "", "a")], there("a"), "release a is the first one there", "destroy"),
    ([(READY, "a", "b")], there("b"), "release a, which was there before, has been", "apply"),
]


@pytest.mark.parametrize(("told", "program", "what", "hint"), REFUSALS)
def test_a_way_back_that_is_not_there_is_refused(
    told: list[tuple[Outcome, str, str]], program: ProgramFacts, what: str, hint: str
) -> None:
    found = rollback.before("web1", program, entries(*told))
    assert isinstance(found, Problem)
    assert found.where == "web1: hello"
    assert found.what.startswith(what)
    assert hint in found.hint


def test_another_programs_history_says_nothing() -> None:
    found = rollback.before("h", there("b", "a"), entries((READY, "a", "b"), program="other"))
    assert isinstance(found, Problem)


def test_a_release_whose_loader_was_changed_is_not_gone_back_to() -> None:
    changed = replace(KNOWN, release="a", loader_sha256="0" * 64)
    program = replace(there("b"), releases=(changed, replace(KNOWN, release="b")))
    found = rollback.before("h", program, entries((READY, "a", "b")))
    assert isinstance(found, Problem)
    assert "was changed on the host" in found.what


def test_a_named_release_is_found_in_the_program_that_has_it() -> None:
    one, other = there("b", "a"), replace(there("y", "x"), program="other")
    assert rollback.named("h", [one, other], "x") == [Return(program="other", now="y", to="x")]
    assert rollback.named("h", [one], "b") == [None]
    (refused,) = rollback.named("h", [one], "nope")
    assert isinstance(refused, Problem)
    assert refused.hint == "there are a, b"


def change(action: Action, was: str, **more: object) -> Change:
    base = Change(host="h", program="hello", action=action, reason="r", was=was, release=release())
    return replace(base, **more)  # type: ignore[arg-type]


def undone(change: Change, done: bool = True) -> list[Return]:
    made = frozenset({change.program} if done else ())
    return list(rollback.undoing(Applied(changes=(change,), done=made)))


def test_what_was_changed_goes_back_and_what_was_created_goes() -> None:
    new = release().id
    assert undone(change(Action.UPDATE, "old")) == [Return(program="hello", now=new, to="old")]
    assert undone(change(Action.CREATE, "")) == [Return(program="hello", now=new, to="")]


def test_what_was_not_done_or_only_mended_stays() -> None:
    assert undone(change(Action.UPDATE, "old"), done=False) == []
    assert undone(change(Action.UPDATE, release().id)) == []
    assert undone(change(Action.UPDATE, release().id, retire=("x",))) == []
    assert undone(change(Action.DELETE, "old", release=None)) == []


def test_a_program_that_was_deleted_is_told_as_gone() -> None:
    deleted = change(Action.DELETE, "old", release=None)
    applied = Applied(changes=(deleted,), done=frozenset({"hello"}))
    assert list(rollback.gone(applied)) == ["hello"]


def test_ways_back_are_steps_that_the_host_checks() -> None:
    assert rollback.step(Return(program="p", now="b", to="a")) == Step(
        verb="restore", program="p", was="b", release="a"
    )
    assert rollback.step(Return(program="p", now="b", to="")) == Step(
        verb="delete", program="p", was="b"
    )


def test_a_failed_way_back_is_told_loudly() -> None:
    way = Return(program="p", now="b", to="a")
    failed = Answer(moved={}, failures=(Failure(program="p", stage="start", message="no hook"),))
    assert rollback.failed("h", way, failed).what == "NOT ROLLED BACK, b goes on: no hook"
    moved = rollback.failed("h", way, Answer(moved={"p": "c"}))
    assert moved.what == "not rolled back: release c is current there now, not b"


def test_a_history_is_read_without_its_torn_lines() -> None:
    whole = ("17", "ann@desk", "demo", "p", "rolled back", "b", "a", "k", "")
    rows = [("16", "ann@d"), whole, ("x", *whole[1:]), ("", ""), (*whole[:4], "what", *whole[5:])]
    found = told(history.HISTORY, HostLayout(), *rows)
    (entry,) = found.entries
    assert found.torn == 4
    assert (entry.time, entry.outcome, entry.was, entry.release) == (17, BACK, "b", "a")
