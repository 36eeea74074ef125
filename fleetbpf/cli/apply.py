"""`fleetbpf apply`: bring every host to what the manifest declares."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from fleetbpf.cli.options import add_diff, add_fleet, add_lock_timeout, add_take_over, load_targets
from fleetbpf.cli.output import Output
from fleetbpf.cli.plan import tell_rows
from fleetbpf.cli.recap import HostRecap
from fleetbpf.cli.rolled import take_back, tell, word
from fleetbpf.errors import ExitCode

if TYPE_CHECKING:
    from fleetbpf.cli.session import Session
    from fleetbpf.model.manifest import Manifest
    from fleetbpf.model.target import Target
    from fleetbpf.saved_plan import SavedPlan

SUMMARY = "build, ship and start what a manifest declares; a second run changes nothing"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_fleet(parser, what="the manifest's file, or a plan that `plan --out` has saved")
    add_diff(parser)
    add_lock_timeout(parser)
    add_take_over(parser)
    parser.add_argument(
        "--start-at", metavar="HOST", help="leave out the hosts before this one in the rollout"
    )


def run(options: argparse.Namespace, output: Output) -> ExitCode:
    """Build all programs, then apply to all hosts, batch by batch, `forks` at a time."""
    from fleetbpf import saved_plan
    from fleetbpf.cli import planned
    from fleetbpf.cli.session import Session

    saved = saved_plan.read(options.manifest) if saved_plan.is_one(options.manifest) else None
    asked = planned.asked(saved, options) if saved else options
    manifest, targets = load_targets(asked)
    return carry_out(
        manifest,
        targets,
        replace(Session.of(options), take_over=asked.take_over),
        output,
        diff=options.diff,
        saved=saved,
        start_at=options.start_at,
    )


def carry_out(
    manifest: "Manifest",
    targets: "Sequence[Target]",
    session: "Session",
    output: Output,
    *,
    diff: bool = False,
    saved: "SavedPlan | None" = None,
    start_at: str | None = None,
) -> ExitCode:
    """Apply what the targets shall run, and tell what became of each host.

    saved: exactly that is done; InputError when what it rests on is not as it was.
    start_at: the first host in the order of the rollout; InputError when it is none of them.
    """
    from fleetbpf import rollout
    from fleetbpf.apply import Apply
    from fleetbpf.cli import planned
    from fleetbpf.rolling import Rolling

    since = {target.host.name for target in rollout.since(rollout.batches(targets), start_at)}
    prepare = session.prepare(manifest, targets, output)
    prepare = replace(prepare, diff=diff, hooks=saved is not None)
    others: Sequence[HostRecap] = ()
    if saved is not None:
        targets, others = planned.chosen(saved, prepare, targets)
    targets = [target for target in targets if target.host.name in since]
    with session.reach(targets) as reach:
        work = Apply(
            prepare=prepare,
            workspace=session.workspace,
            say=session.shown.say,
            claim=session.claim,
            agree=saved.agreed if saved else lambda _: None,
        )
        rolled = Rolling(
            change=lambda batch: reach.on_each(batch.targets, work.to, word=word),
            failed=lambda outcome: word(outcome) not in {"ok", "changed"},
            changed=lambda outcome: outcome.value is not None and bool(outcome.value.done),
            say=output.progress,
        ).over(rollout.batches(targets))
        returned = take_back(rolled, targets, work, reach) if rolled.takes_back else ()
    if diff:
        found = (each.value.changes for each in rolled.outcomes if each.value)
        tell_rows(output, [change for changes in found for change in changes])
    return tell(manifest.name, rolled, returned, output, others=others)
