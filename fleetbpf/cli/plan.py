"""`fleetbpf plan`: what apply would change on which host, and why; nothing is sent."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleetbpf.cli import recap
from fleetbpf.cli.options import add_diff, add_fleet, add_prune, add_take_over, load_targets
from fleetbpf.cli.output import Output
from fleetbpf.cli.recap import HostRecap
from fleetbpf.errors import ExitCode
from fleetbpf.wording import counted

if TYPE_CHECKING:
    from fleetbpf.deploy.prepare import Prepared
    from fleetbpf.fleet.fleet import Outcome
    from fleetbpf.plan.plan import Change

SUMMARY = "tell what apply would change on which host, and why; nothing is sent"
COLOURS = {"+": "32", "~": "33", "-": "31", "!": "1;31"}  # SGR: green, yellow, red, bold red


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_fleet(parser)
    add_diff(parser)
    add_take_over(parser)
    add_prune(parser)
    parser.add_argument(
        "--detailed-exitcode", action="store_true", help="exit 3 when there is something to change"
    )
    parser.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        help="save the plan; `fleetbpf apply FILE` does exactly that, or refuses",
    )


def run(options: argparse.Namespace, output: Output) -> ExitCode:
    """Ask all hosts of the manifest, `forks` at a time, and tell their plans."""
    from fleetbpf.cli import planned
    from fleetbpf.cli.session import Session

    manifest, targets = load_targets(options)
    session = Session.of(options)
    prepare = replace(session.prepare(manifest, targets, output), hooks=True, diff=options.diff)
    outcomes = session.on_each(targets, prepare.host, word=word)
    recaps = [of(outcome) for outcome in outcomes]
    changes = [change for outcome in outcomes if outcome.value for change in outcome.value.changes]
    tell(output, changes, recaps)
    if options.out and not any(outcome.interrupted for outcome in outcomes):
        planned.save(options, prepare, targets, outcomes)
        output.progress(f"saved: `fleetbpf apply {options.out}` does exactly this")
    code = exit_code(recaps, changes, detailed=options.detailed_exitcode)
    output.document(document(manifest.name, outcomes, recaps, code))
    return code


def word(outcome: "Outcome[Prepared]") -> str:
    """What is known of a host, in a word or two."""
    if outcome.value is None:
        return outcome.word
    changes = sum(change.wanted for change in outcome.value.changes)
    return counted(changes, "change") if changes else "ok"


def of(outcome: "Outcome[Prepared]") -> HostRecap:
    """The recap of one host: its problems and warnings."""
    from fleetbpf.deploy.prepare import warnings

    host, prepared = outcome.host.name, outcome.value
    if prepared is None:
        return recap.of_error(host, outcome.error)
    return HostRecap(
        host=host,
        failed=len({change.program for change in prepared.changes if change.obstacles}),
        warnings=warnings(prepared),
    )


def tell(output: Output, changes: "Sequence[Change]", recaps: Sequence[HostRecap]) -> None:
    """Write the rows, what a person should know besides, and the summary."""
    from fleetbpf.fleet import in_common
    from fleetbpf.plan import plan_text

    tell_rows(output, changes)
    lost = [each for each in recaps if each.problems]
    problems = [replace(found, where=each.host) for each in lost for found in each.problems]
    for problem in recap.shared(output, problems):
        for line in plan_text.unplanned(problem):
            output.line(line)
    for line in in_common.remarks((each.host, said) for each in recaps for said in each.warnings):
        output.progress(line)
    output.line(plan_text.summary(changes, errors=len(lost)))


def tell_rows(output: Output, changes: "Sequence[Change]") -> None:
    """Write what changes on which hosts."""
    from fleetbpf.plan import plan_text

    for row, hosts in plan_text.rows(changes).items():
        first, *others = row.lines(hosts)
        output.line(first, colour=COLOURS[row.sign])
        for line in others:
            output.line(line)


def exit_code(
    recaps: Sequence[HostRecap], changes: "Sequence[Change]", *, detailed: bool
) -> ExitCode:
    """That of the hosts; 3 when all is well, there are changes, and somebody asks for it."""
    code = recap.exit_code(recaps)
    if code is ExitCode.DONE and detailed and any(change.wanted for change in changes):
        return ExitCode.DRIFT
    return code


def document(
    deployment: str,
    outcomes: "Sequence[Outcome[Prepared]]",
    recaps: Sequence[HostRecap],
    code: ExitCode,
) -> dict[str, Any]:
    """The JSON document; docs/plan.md describes it."""
    from collections import Counter

    from fleetbpf.plan import plan_rows
    from fleetbpf.plan.plan import Action

    changes = {o.host.name: o.value.changes if o.value else () for o in outcomes}
    every = [change for found in changes.values() for change in found]
    counts = Counter(change.action for change in every if not change.obstacles)
    rows = {host: {"changes": [plan_rows.of(each) for each in changes[host]]} for host in changes}
    return {
        "deployment": deployment,
        "summary": {
            **{action.value: counts[action] for action in Action},
            "impossible": sum(bool(change.obstacles) for change in every),
        },
        **recap.hosts(recaps, rows),
        "exit_code": int(code),
    }
