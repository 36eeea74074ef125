"""What became of a rollout: taken back where its play wants that, and told."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fleetbpf.cli import deleting, envelope, recap
from fleetbpf.cli.output import Output
from fleetbpf.cli.recap import HostRecap
from fleetbpf.errors import ExitCode

if TYPE_CHECKING:
    from fleetbpf.cli.session import Reach
    from fleetbpf.deploy.apply import Applied, Apply
    from fleetbpf.deploy.rollback import Returned
    from fleetbpf.deploy.rolling import Rolled
    from fleetbpf.fleet.fleet import Outcome
    from fleetbpf.model.target import Target

UNTOUCHED: dict[str, Any] = {"changes": (), "rolled_back": ()}


def take_back(
    rolled: "Rolled[Applied]",
    targets: "Sequence[Target]",
    work: "Apply",
    reach: "Reach",
) -> "tuple[Outcome[Returned], ...]":
    """Put every host back to where it was before this run."""
    from fleetbpf.deploy.rollback import Rollback, undoing

    ways = {
        outcome.host.name: tuple(undoing(outcome.value))
        for outcome in rolled.outcomes
        if outcome.value is not None
    }
    back = Rollback(
        deployment=work.prepare.deployment,
        workspace=work.workspace,
        say=work.say,
        claim=work.claim,
        layout=work.prepare.layout,
    )
    return reach.on_each(
        [target for target in targets if ways.get(target.host.name)],
        lambda target, connection: back.back(target, connection, ways[target.host.name]),
        word=lambda found: "rolled back" if found.error is None else found.word,
    )


def tell(
    deployment: str,
    rolled: "Rolled[Applied]",
    returned: "Sequence[Outcome[Returned]]",
    output: Output,
    *,
    others: "Sequence[HostRecap]",
) -> ExitCode:
    """Say what became of each host and why the rollout ended before its last batch.

    others: hosts that were not to be changed.
    """
    back = {outcome.host.name: outcome for outcome in returned}
    recaps = [after(of(each), back.get(each.host.name)) for each in rolled.outcomes]
    if rolled.takes_back:
        recaps = [
            replace(told, warnings=(*told.warnings, *kept(each)))
            for told, each in zip(recaps, rolled.outcomes, strict=True)
        ]
    recaps += [
        HostRecap(host=target.host.name, skipped=len(target.programs)) for target in rolled.skipped
    ]
    recaps += others
    recap.tell(output, recaps)
    if rolled.stopped is not None:
        for line in rolled.stopped.lines():
            output.progress(line)
    code = recap.exit_code(recaps)
    if rolled.stopped is not None:
        code = ExitCode.INTERRUPTED if rolled.interrupted else ExitCode.FAILED
    rows = {target.host.name: UNTOUCHED for target in rolled.skipped}
    rows |= {each.host.name: row(each, back.get(each.host.name)) for each in rolled.outcomes}
    document = recap.document(recaps, rows) | {"exit_code": int(code)}
    output.document({"deployment": deployment, **document, "stopped": stopped(rolled)})
    return code


def stopped(rolled: "Rolled[Applied]") -> object:
    """Why the rollout ended before its last batch, for the JSON document; None: it did not."""
    return None if rolled.stopped is None else envelope.row(rolled.stopped)


def after(found: HostRecap, back: "Outcome[Returned] | None") -> HostRecap:
    """The recap of a host that was put back, or could not be."""
    if back is None:
        return found
    problems = back.error.problems if back.error else back.value.problems if back.value else ()
    returned = back.value.done if back.value else ()
    return replace(
        found,
        ok=found.ok - len(returned),
        changed=found.changed - len(returned),
        skipped=found.skipped + len(returned),
        failed=found.failed + len(problems),
        problems=(*found.problems, *problems),
        warnings=(*found.warnings, *(f"rolled back: {way}" for way in returned)),
    )


def kept(outcome: "Outcome[Applied]") -> tuple[str, ...]:
    """What a rollout that is taken back cannot undo."""
    from fleetbpf.deploy.rollback import gone

    names = gone(outcome.value) if outcome.value else ()
    return tuple(f"{name} was deleted and is not put back: apply it as it was" for name in names)


def word(outcome: "Outcome[Applied]") -> str:
    """What became of a host, in a word."""
    if outcome.value is None:
        return outcome.word
    if outcome.value.held:
        return "to be asked for" if deleting.is_attended() else "failed"
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


def row(outcome: "Outcome[Applied]", back: "Outcome[Returned] | None") -> dict[str, Any]:
    """A host's changes, for the JSON document."""
    from fleetbpf.plan import plan_rows

    changes = outcome.value.changes if outcome.value else ()
    return {
        "changes": [plan_rows.of(change) for change in changes],
        "rolled_back": back.value.done if back and back.value else (),
    }
