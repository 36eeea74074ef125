"""`fleetbpf history`: what was done on a host, when and by whom."""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleetbpf.cli import recap
from fleetbpf.cli.host_words import in_one, is_manifest
from fleetbpf.cli.options import (
    add_forks,
    add_inventory,
    add_passwords,
    load_manifest,
    matching,
)
from fleetbpf.cli.output import Output
from fleetbpf.errors import ExitCode, HostError, InputError, Problem
from fleetbpf.wording import did_you_mean, quoted

if TYPE_CHECKING:
    from fleetbpf.fleet.fleet import Outcome
    from fleetbpf.host.history import Entry, History

SUMMARY = "show what was done on a host: when, by whom, which release, and what came of it"
HEADERS = ("TIME", "HOST", "DEPLOYMENT", "PROGRAM", "OUTCOME", "FROM", "TO", "WHO", "WHY")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "words",
        metavar="HOST",
        nargs="+",
        help="hosts, or host patterns; and the file of a manifest: only of its deployment",
    )
    parser.add_argument("--deployment", default="", help="only of this deployment")
    add_inventory(parser)
    add_forks(parser)
    add_passwords(parser)


def run(options: argparse.Namespace, output: Output) -> ExitCode:
    """Ask the hosts, `forks` at a time."""
    from fleetbpf.cli.session import Session
    from fleetbpf.host import history
    from fleetbpf.model.layout import HostLayout

    take_apart(options)
    only = load_manifest(options).name if options.manifest else options.deployment
    targets = matching(options)
    told = Session.of(options).on_each(
        targets,
        lambda target, connection: history.ask(
            connection,
            HostLayout().at(target.host.root),
            host=target.host.name,
            become=target.become,
        ),
    )
    if options.deployment:
        HostError.raise_if_any(unknown(options.deployment, told))
    outcomes = [replace(each, value=each.value.of(only)) if each.value else each for each in told]
    rows = [cells(each.host.name, entry) for each in outcomes for entry in entries(each)]
    output.table(HEADERS, sorted(rows))
    recaps = [of(outcome) for outcome in outcomes]
    recap.tell_remarks(output, recaps)
    output.document(recap.document(recaps, {each.host.name: row(each) for each in outcomes}))
    return recap.exit_code(recaps)


def take_apart(options: argparse.Namespace) -> None:
    """Tell the words that are hosts from the one that is a manifest; InputError for two."""
    manifests = [word for word in options.words if is_manifest(word)]
    hosts = [word for word in options.words if word not in manifests]
    if len(manifests) > 1 or not hosts:
        what = "it wants hosts, and one manifest at most"
        raise InputError(Problem(where="history", what=what, hint="fleetbpf history all hello.yml"))
    options.hosts = in_one(hosts)
    options.manifest = Path(manifests[0]) if manifests else None


def unknown(deployment: str, told: "Sequence[Outcome[History]]") -> Iterator[Problem]:
    """A deployment that no history knows, where there are histories."""
    answered = [each.value for each in told if each.value is not None]
    known = sorted({entry.deployment for each in answered for entry in each.entries})
    if answered and deployment not in known:
        what = f"no history there tells of the deployment {quoted(deployment)}"
        hint = did_you_mean(deployment, known, noun="deployments")
        yield Problem(where="--deployment", what=what, hint=hint)


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
    from fleetbpf.records.records import timestamp

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
