"""Unlock: remove a lock that a dead script left on a host; one of the living only by force."""

from pathlib import PurePath
from typing import Annotated

from pydantic import BeforeValidator, PlainValidator

from fleetbpf.errors import HostError, Problem
from fleetbpf.execution import Connection
from fleetbpf.frozen import frozen
from fleetbpf.host import lock
from fleetbpf.host.lock import read_line
from fleetbpf.host.protocol import Rows, Said, Script
from fleetbpf.model.bounded import Line, Many, take_one
from fleetbpf.model.facts import Lock
from fleetbpf.model.layout import HostLayout
from fleetbpf.model.target import Target


@frozen
class Unlocked:
    """What became of a host's lock."""

    lock: Lock | None  # as it was; None where there was none
    removed: bool


@frozen
class Question:
    """Which lock, and whether its owner may be at work."""

    layout: HostLayout
    force: bool

    def words(self) -> tuple[str | PurePath, ...]:
        """The arguments of `unlock.sh`."""
        return self.layout.root, "yes" if self.force else "no"


class Answer(Rows):
    """All rows of an answer."""

    lock: Annotated[Lock | None, PlainValidator(read_line), BeforeValidator(take_one)] = None
    removed: Many[Line] = ()


def on(target: Target, connection: Connection, layout: HostLayout, *, force: bool) -> Unlocked:
    """Remove a host's lock; HostError when its owner is at work and it is not to be forced."""
    host, question = target.host.name, Question(layout=layout, force=force)
    found = UNLOCK.ask(connection, question, host=host, become=target.become)
    if found.lock and not found.removed:
        what = f"locked by one who is at work: {lock.told(found.lock)}"
        hint = "wait until it has finished; `--force` takes the lock away while its script goes on"
        raise HostError(Problem(where=host, what=what, hint=hint))
    return found


def read(_: Question, said: Said) -> Unlocked:
    """The answer of `unlock.sh`."""
    answer = Answer.read(said.lines)
    return Unlocked(lock=answer.lock, removed=bool(answer.removed))


UNLOCK = Script(name="unlock.sh", words=Question.words, read=read, after=("lock.sh",))
