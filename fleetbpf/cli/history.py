"""`fleetbpf history`: what was done on a host, when and by whom."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleetbpf.cli import recap
from fleetbpf.cli.options import (
    add_forks,
    add_inventory,
    add_passwords,
    load_manifest,
    matching,
)
from fleetbpf.cli.output import Output
from fleetbpf.errors import ExitCode

if TYPE_CHECKING:
    from fleetbpf.fleet import Outcome
    from fleetbpf.history import Entry, History

SUMMARY = "show what was done on a host: when, by whom, which release, and what came of it"
HEADERS = ("TIME", "HOST", "DEPLOYMENT", "PROGRAM", "OUTCOME", "FROM", "TO", "WHO", "WHY")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("hosts", metavar="HOST", help="a host, or a host pattern")
    parser.add_argument(
        "manifest", metavar="MANIFEST", type=Path, nargs="?", help="only of its deployment"
    )
    parser.add_argument("--deployment", default="", help="only of this deployment")
    add_inventory(parser)
    add_forks(parser)
    add_passwords(parser)


def run(options: argparse.Namespace, output: Output) -> ExitCode:
    """Ask the hosts, `forks` at a time."""
    from fleetbpf import history
    from fleetbpf.cli.session import Session
    from fleetbpf.layout import HostLayout

    only = load_manifest(options).name if options.manifest else options.deployment
    targets = matching(options)
    outcomes = Session.of(options).on_each(
        targets,
        lambda target, connection: history.ask(
            connection,
            HostLayout().at(target.host.root),
            host=target.host.name,
            become=target.become,
        ).of(only),
    )
    rows = [cells(each.host.name, entry) for each in outcomes for entry in entries(each)]
    output.table(HEADERS, sorted(rows))
    recaps = [of(outcome) for outcome in outcomes]
    recap.tell_remarks(output, recaps)
    output.document(recap.document(recaps, {each.host.name: row(each) for each in outcomes}))
    return recap.exit_code(recaps)


def entries(outcome: "Outcome[History]") -> "tuple[Entry, ...]":
    """What a host has told; nothing where it has not."""
    return outcome.value.entries if outcome.value else ()


def of(outcome: "Outcome[History]") -> recap.HostRecap:
    """The recap of one host."""
    if outcome.value is None:
        return recap.of_error(outcome.host.name, outcome.error)
    torn = outcome.value.torn
    warnings = (f"torn lines of its history that are left out: {torn}",) if torn else ()
    return recap.HostRecap(host=outcome.host.name, ok=len(outcome.value.entries), warnings=warnings)


def when(entry: "Entry") -> str:
    """When it was, UTC, to the second."""
    from fleetbpf.records import timestamp

    return timestamp(entry.time * 1_000_000_000, digits=0).rstrip(".")


def cells(host: str, entry: "Entry") -> tuple[str, ...]:
    """One row of the table."""
    place = (when(entry), host, entry.deployment, entry.program, entry.outcome.value)
    return (*place, entry.was or "-", entry.release or "-", entry.who, entry.why)


def row(outcome: "Outcome[History]") -> dict[str, Any]:
    """A host's history, for the JSON document."""
    return {
        "history": [
            {
                "time": when(entry),
                "who": entry.who,
                "deployment": entry.deployment,
                "program": entry.program,
                "outcome": entry.outcome,
                "from": entry.was,
                "to": entry.release,
                "build_key": entry.build_key,
                "why": entry.why,
            }
            for entry in entries(outcome)
        ]
    }
