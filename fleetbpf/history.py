"""What was done on a host, as the host itself has written it down."""

from collections.abc import Iterable, Iterator
from enum import Enum

from fleetbpf.command import script
from fleetbpf.connections import Connection
from fleetbpf.facts import Row, check_greeting, tabbed
from fleetbpf.frozen import frozen
from fleetbpf.layout import HostLayout

GREETING = ("fleetbpf", "history")
FIELDS = 9


class Outcome(Enum):
    """What became of a program."""

    READY = "ready"
    FAILED = "failed"
    ROLLED_BACK = "rolled back"
    DELETED = "deleted"


@frozen
class Entry:
    """One line of it: a program, and what became of it."""

    time: int  # seconds since 1970, by the host's clock
    who: str
    deployment: str
    program: str
    outcome: Outcome
    was: str  # the release that was current; "" = none
    release: str  # that was to be current; "" = none, it was deleted
    build_key: str
    why: str  # it failed


def ask(
    connection: Connection, layout: HostLayout, *, host: str, become: bool
) -> tuple[Entry, ...]:
    """A host's history, oldest first; raises HostError when it cannot be read."""
    completed = connection.run(script("history.sh", layout.root, become=become), timeout=120.0)
    rows = tabbed(completed.stdout)
    check_greeting(rows, completed, host=host, greeting=GREETING, become=become)
    return tuple(parse(rows))


def parse(rows: Iterable[Row]) -> Iterator[Entry]:
    """The entries in a history; lines that were torn are passed over."""
    outcomes = {outcome.value: outcome for outcome in Outcome}
    for row in rows:
        if len(row) != FIELDS or row[4] not in outcomes or not row[0].isdecimal():
            continue
        time, who, deployment, program, outcome, was, release, key, why = row
        yield Entry(
            time=int(time),
            who=who,
            deployment=deployment,
            program=program,
            outcome=outcomes[outcome],
            was=was,
            release=release,
            build_key=key,
            why=why,
        )
