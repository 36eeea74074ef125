"""`fleetbpf apply`: bring every host to what the manifest declares."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fleetbpf.cli import recap
from fleetbpf.cli.options import add_diff, add_fleet, add_lock_timeout, load_targets
from fleetbpf.cli.output import Output
from fleetbpf.cli.plan import tell_rows
from fleetbpf.cli.recap import HostRecap
from fleetbpf.errors import ExitCode

if TYPE_CHECKING:
    from fleetbpf.apply import Applied
    from fleetbpf.cli.session import Session
    from fleetbpf.fleet import Outcome
    from fleetbpf.model.manifest import Manifest
    from fleetbpf.model.target import Target
    from fleetbpf.saved_plan import SavedPlan

SUMMARY = "build, ship and start what a manifest declares; a second run changes nothing"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_fleet(parser, what="the manifest's file, or a plan that `plan --out` has saved")
    add_diff(parser)
    add_lock_timeout(parser)


def run(options: argparse.Namespace, output: Output) -> ExitCode:
    """Build all programs, then apply to all hosts, `forks` at a time."""
    from fleetbpf import saved_plan
    from fleetbpf.cli import planned
    from fleetbpf.cli.session import Session

    saved = saved_plan.read(options.manifest) if saved_plan.is_one(options.manifest) else None
    manifest, targets = load_targets(planned.asked(saved, options) if saved else options)
    session = Session.of(options)
    return carry_out(manifest, targets, session, output, diff=options.diff, saved=saved)


def carry_out(
    manifest: "Manifest",
    targets: "Sequence[Target]",
    session: "Session",
    output: Output,
    *,
    diff: bool = False,
    saved: "SavedPlan | None" = None,
) -> ExitCode:
    """Apply what the targets shall run, and tell what became of each host.

    saved: exactly that is done; InputError when what it rests on is not as it was.
    """
    from dataclasses import replace

    from fleetbpf.apply import Apply
    from fleetbpf.cli import planned
    from fleetbpf.cli.progress import progress

    prepare = session.prepare(manifest, targets, output)
    prepare = replace(prepare, diff=diff, hooks=saved is not None)
    others: Sequence[HostRecap] = ()
    if saved is not None:
        targets, others = planned.chosen(saved, prepare, targets)
    with progress(output, [target.host.name for target in targets]) as shown:
        work = Apply(
            prepare=prepare,
            workspace=session.workspace,
            say=shown.say,
            claim=session.claim,
            agree=saved.agreed if saved else lambda _: None,
        )
        outcomes = session.on_each(
            targets, work.to, done=lambda o: shown.done(o.host.name, word(o))
        )
    if diff:
        tell_rows(output, [c for found in outcomes if found.value for c in found.value.changes])
    recaps = [*map(of, outcomes), *others]
    recap.tell(output, recaps)
    rows = {outcome.host.name: row(outcome) for outcome in outcomes}
    output.document({"deployment": manifest.name, **recap.document(recaps, rows)})
    return recap.exit_code(recaps)


def word(outcome: "Outcome[Applied]") -> str:
    """What became of a host, in a word."""
    if outcome.value is None:
        return outcome.word
    if outcome.value.failed:
        return "failed"
    return "changed" if outcome.value.done else "ok"


def of(outcome: "Outcome[Applied]") -> HostRecap:
    """The recap of one host."""
    host = outcome.host.name
    if outcome.value is None:
        return recap.of_error(host, outcome.error)
    applied = outcome.value
    return HostRecap(
        host=host,
        ok=applied.ok,
        changed=len(applied.done),
        failed=applied.failed,
        problems=applied.problems,
        warnings=applied.warnings,
    )


def row(outcome: "Outcome[Applied]") -> dict[str, Any]:
    """A host's changes, for the JSON document."""
    from fleetbpf import plan_rows

    changes = outcome.value.changes if outcome.value else ()
    return {"changes": [plan_rows.of(change) for change in changes]}
