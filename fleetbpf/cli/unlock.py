"""`fleetbpf unlock`: whose lock is it, and away with it if nobody works there any more."""

import argparse
from typing import TYPE_CHECKING, Any

from fleetbpf.cli import recap
from fleetbpf.cli.options import add_chosen, load_chosen
from fleetbpf.cli.output import Output
from fleetbpf.errors import ExitCode

if TYPE_CHECKING:
    from fleetbpf.fleet.fleet import Outcome
    from fleetbpf.host.unlock import Unlocked

SUMMARY = "remove locks whose owners are gone; with --force those of the living too"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_chosen(parser)
    parser.add_argument(
        "--force",
        action="store_true",
        help="though somebody is at work there; that work goes on without a lock",
    )


def run(options: argparse.Namespace, output: Output) -> ExitCode:
    """Look at all hosts' locks, `forks` at a time."""
    from fleetbpf.cli.session import Session
    from fleetbpf.host import unlock
    from fleetbpf.model.layout import HostLayout

    targets = load_chosen(options)
    outcomes = Session.of(options).on_each(
        targets,
        lambda target, link: unlock.on(
            target, link, HostLayout().at(target.host.root), force=options.force
        ),
    )
    for outcome in outcomes:
        if outcome.value is not None:
            output.line(f"{outcome.host.name}: {told(outcome.value)}")
    recaps = [of(outcome) for outcome in outcomes]
    recap.tell_remarks(output, recaps)
    output.document(recap.document(recaps, {o.host.name: row(o) for o in outcomes}))
    return recap.exit_code(recaps)


def told(found: "Unlocked") -> str:
    """What became of a lock, in words."""
    from fleetbpf.host import lock

    if found.lock is None:
        return "not locked"
    kind = "a stale lock" if found.lock.stale else "the lock of one who is at work"
    return f"removed {kind}: {lock.told(found.lock)}"


def of(outcome: "Outcome[Unlocked]") -> recap.HostRecap:
    """The recap of one host."""
    if outcome.value is None:
        return recap.of_error(outcome.host.name, outcome.error)
    return recap.HostRecap(host=outcome.host.name, ok=1, changed=int(outcome.value.removed))


def row(outcome: "Outcome[Unlocked]") -> dict[str, Any]:
    """A host's lock, for the JSON document."""
    found = outcome.value
    return {"lock": found.lock, "removed": found.removed} if found else {}
