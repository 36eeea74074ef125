"""Unlock: remove a lock that a dead script left on a host; one of the living only by force."""

from collections.abc import Sequence

from fleetbpf import lock
from fleetbpf.command import Command, script
from fleetbpf.connections import Connection
from fleetbpf.errors import HostError, Problem
from fleetbpf.facts import Row, check_greeting, tabbed
from fleetbpf.frozen import frozen
from fleetbpf.layout import HostLayout
from fleetbpf.model.facts import Lock
from fleetbpf.model.target import Target

GREETING = ("fleetbpf", "unlock")


@frozen
class Unlocked:
    """What became of a host's lock."""

    lock: Lock | None  # as it was; None where there was none
    removed: bool


def on(target: Target, connection: Connection, layout: HostLayout, *, force: bool) -> Unlocked:
    """Remove a host's lock; HostError when its owner is at work and it is not to be forced."""
    host, become = target.host.name, target.become
    completed = connection.run(command(layout, force=force, become=become), timeout=120.0)
    rows = tabbed(completed.stdout)
    check_greeting(rows, completed, host=host, greeting=GREETING, become=become)
    found = parse(rows)
    if found.lock and not found.removed:
        what = f"locked by one who is at work: {lock.told(found.lock)}"
        hint = "wait until it has finished; `--force` takes the lock away while its script goes on"
        raise HostError(Problem(where=host, what=what, hint=hint))
    return found


def command(layout: HostLayout, *, force: bool, become: bool) -> Command:
    """The command that removes a lock."""
    words = (layout.root, "yes" if force else "no")
    return script("unlock.sh", *words, after="lock.sh", become=become)


def parse(rows: Sequence[Row]) -> Unlocked:
    """The answer of `unlock.sh`."""
    held = next((lock.parse(row[1:]) for row in rows if row[0] == "lock"), None)
    return Unlocked(lock=held, removed=("removed",) in rows)
