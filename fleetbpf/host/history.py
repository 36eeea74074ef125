"""What was done on a host, as the host itself has written it down."""

from dataclasses import replace
from enum import Enum

from pydantic import ValidationError

from fleetbpf.execution import Connection
from fleetbpf.frozen import frozen
from fleetbpf.host.protocol import Row, Said, Script
from fleetbpf.model.bounded import Line, Name, NameOrNone, Second, Word
from fleetbpf.model.layout import HostLayout


class Outcome(Enum):
    """What became of a program."""

    READY = "ready"
    FAILED = "failed"
    ROLLED_BACK = "rolled back"
    DELETED = "deleted"


class Entry(Row):
    """One line of it: a program, and what became of it."""

    time: Second  # since 1970, by the host's clock
    who: Word
    deployment: Name
    program: Name
    outcome: Outcome
    was: NameOrNone  # the release that was current; "" = none
    release: NameOrNone  # that was to be current; "" = none, it was deleted
    build_key: Word
    why: Line  # it failed


@frozen
class History:
    """What a host has written down, oldest first."""

    entries: tuple[Entry, ...]
    torn: int = 0  # lines that are no entries

    def of(self, deployment: str) -> "History":
        """What was done with one deployment; "": with all of them."""
        entries = (each for each in self.entries if deployment in {"", each.deployment})
        return replace(self, entries=tuple(entries))


def ask(connection: Connection, layout: HostLayout, *, host: str, become: bool) -> History:
    """A host's history; raises HostError when it cannot be read."""
    return HISTORY.ask(connection, layout, host=host, become=become)


def read(_: HostLayout, said: Said) -> History:
    """The entries in a history; a full disk may have torn its lines."""
    found = tuple(map(entry, said.lines))
    entries = tuple(each for each in found if each is not None)
    return History(entries=entries, torn=len(found) - len(entries))


def entry(line: str) -> Entry | None:
    """One line; None for a torn one."""
    try:
        return Entry.model_validate(line)
    except ValidationError:
        return None


HISTORY = Script(name="history.sh", words=lambda layout: (layout.root,), read=read)
