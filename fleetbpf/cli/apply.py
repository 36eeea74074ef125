"""`fleetbpf apply`: bring every host to what the manifest declares."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from fleetbpf.cli import deleting
from fleetbpf.cli.deleting import Consent
from fleetbpf.cli.options import (
    add_diff,
    add_fleet,
    add_lock_timeout,
    add_prune,
    add_take_over,
    load_targets,
)
from fleetbpf.cli.output import Output
from fleetbpf.cli.plan import tell_rows
from fleetbpf.cli.recap import HostRecap
from fleetbpf.cli.rolled import take_back, tell, word
from fleetbpf.errors import ExitCode

if TYPE_CHECKING:
    from fleetbpf.cli.session import Reach, Session
    from fleetbpf.deploy.apply import Applied, Apply
    from fleetbpf.deploy.saved_plan import SavedPlan
    from fleetbpf.fleet.fleet import Outcome
    from fleetbpf.model.manifest import Manifest
    from fleetbpf.model.target import Target

SUMMARY = "build, ship and start what a manifest declares; a second run changes nothing"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_fleet(
        parser, what="the manifest's file, several of them, or a plan that `plan --out` has saved"
    )
    add_diff(parser)
    add_prune(parser)
    add_lock_timeout(parser)
    add_take_over(parser)
    deleting.add_yes(parser)
    parser.add_argument(
        "--start-at", metavar="HOST", help="leave out the hosts before this one in the rollout"
    )


def run(options: argparse.Namespace, output: Output) -> ExitCode:
    """Build all programs, then apply to all hosts, batch by batch, `forks` at a time."""
    from fleetbpf.cli import planned
    from fleetbpf.cli.session import Session
    from fleetbpf.deploy import saved_plan

    saved = saved_plan.read(options.manifest) if saved_plan.is_one(options.manifest) else None
    asked = planned.asked(saved, options) if saved else options
    manifest, targets = load_targets(asked)
    session = replace(Session.of(options), take_over=asked.take_over)
    return carry_out(
        manifest,
        targets,
        session,
        output,
        diff=options.diff,
        saved=saved,
        start_at=options.start_at,
        # Who has looked at a saved plan has seen what it deletes.
        consent=Consent(yes=options.yes or saved is not None, output=output, shown=session.shown),
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
    consent: Consent | None = None,
) -> ExitCode:
    """Apply what the targets shall run, and tell what became of each host.

    saved: exactly that is done; InputError when what it rests on is not as it was.
    start_at: the first host in the order of the rollout; InputError when it is none of them.
    consent: how a person is asked before something is deleted; None: it is meant.
    """
    from fleetbpf.cli import planned
    from fleetbpf.deploy import rollout
    from fleetbpf.deploy.apply import Apply
    from fleetbpf.deploy.rolling import Rolling

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
            change=lambda batch: change(batch.targets, work, reach, consent),
            failed=lambda outcome: word(outcome) not in {"ok", "changed"},
            changed=lambda outcome: outcome.value is not None and bool(outcome.value.done),
            say=output.progress,
        ).over(rollout.batches(targets))
        returned = take_back(rolled, targets, work, reach) if rolled.takes_back else ()
    if diff:
        found = (each.value.changes for each in rolled.outcomes if each.value)
        tell_rows(output, [change for changes in found for change in changes])
    return tell(manifest.name, rolled, returned, output, others=others)


def change(
    targets: "Sequence[Target]", work: "Apply", reach: "Reach", consent: Consent | None
) -> "tuple[Outcome[Applied], ...]":
    """Change the hosts of a batch; those that would delete something wait for a person's word.

    A person is asked once for all of them, after the others are done.
    """
    asking = replace(work, may_delete=lambda _: consent is None or consent.yes)
    outcomes = reach.on_each(targets, asking.to, word=word)
    held = deleting.held(outcomes)
    if not held or any(outcome.interrupted for outcome in outcomes):
        return outcomes
    if consent is None or not consent.is_given(held):
        return tuple(map(refused, outcomes))
    agreed = {(each.host, each.program) for each in held}
    going_on = replace(work, may_delete=lambda each: (each.host, each.program) in agreed)
    hosts = {each.host for each in held}
    waiting = [target for target in targets if target.host.name in hosts]
    later = {each.host.name: each for each in reach.on_each(waiting, going_on.to, word=word)}
    return tuple(refused(later.get(each.host.name, each)) for each in outcomes)


def refused(outcome: "Outcome[Applied]") -> "Outcome[Applied]":
    """The outcome of a host that waits for a word that does not come."""
    if outcome.value is None or not outcome.value.held:
        return outcome
    problems = (*outcome.value.problems, *deleting.refuse(outcome.value.held))
    return replace(outcome, value=replace(outcome.value, problems=problems))
