"""Saved plans on the command line: `plan --out FILE`, `apply FILE`."""

import argparse
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from fleetbpf.cli.options import inventory_sources, usual_inventory
from fleetbpf.cli.recap import HostRecap
from fleetbpf.deploy import saved_plan
from fleetbpf.deploy.prepare import Prepare, Prepared
from fleetbpf.deploy.saved_plan import PlannedHost, SavedPlan
from fleetbpf.errors import InputError, Problem
from fleetbpf.fleet.fleet import Outcome
from fleetbpf.host.lock import operator
from fleetbpf.inventory import inventory_sources as sources
from fleetbpf.model.target import Target
from fleetbpf.wording import quoted


def save(
    options: argparse.Namespace,
    prepare: Prepare,
    targets: Sequence[Target],
    outcomes: Sequence[Outcome[Prepared]],
) -> None:
    """Write the plan that the hosts' outcomes are, into the file that `--out` names."""
    hosts = {outcome.host.name: saved_plan.of(outcome.value) for outcome in outcomes}
    plan = SavedPlan(
        deployment=prepare.deployment,
        manifest=str(options.manifest),
        inventory=inventory_sources(options),
        limit=options.limit,
        take_over=options.take_over,
        prune=options.prune,
        made_by=operator(),
        made_at=saved_plan.now(),
        basis={},
        hosts=hosts,
    )
    changes = {each.host.name: each.value.changes if each.value else () for each in outcomes}
    saved_plan.write(options.out, plan.resting(on(plan, prepare, targets)), changes)


def on(plan: SavedPlan, prepare: Prepare, targets: Sequence[Target]) -> saved_plan.Basis:
    """What a plan of these targets rests on now; builds what is not built."""
    fitting = plan.fitting(targets)
    prepare.builders.build_all(program.recipe for each in fitting for program in each.programs)
    return saved_plan.basis(Path(plan.manifest), fitting, prepare.builders)


def asked(plan: SavedPlan, options: argparse.Namespace) -> argparse.Namespace:
    """The command line that a plan was made with; InputError when this one says otherwise.

    A plan may come from somebody else, so it does not say what is executed here: an inventory
    that is a program, or lies elsewhere, has to be given on this command line too.
    """
    other = options.inventory and tuple(options.inventory) != plan.inventory
    if options.limit is not None or options.prune or other:
        what = "a saved plan has its own hosts and its own inventory"
        hint = "leave out --limit, --prune and -i, or make another plan"
        raise InputError(Problem(where=plan.where, what=what, hint=hint))
    if not options.inventory and usual_inventory() != plan.inventory:
        InputError.raise_if_any(unasked(plan))
    return argparse.Namespace(
        **{
            **vars(options),
            "manifest": Path(plan.manifest),
            "inventory": plan.inventory,
            "limit": plan.limit,
            "prune": plan.prune,
            "take_over": plan.take_over or options.take_over,
        }
    )


def unasked(plan: SavedPlan) -> Iterator[Problem]:
    """The inventories of a plan that could execute something nobody asked for."""
    given = " ".join(f"-i {shlex.quote(each)}" for each in plan.inventory)
    hint = f"if it is yours, say so: fleetbpf apply {shlex.quote(plan.where)} {given}"
    for source in plan.inventory:
        files = sources.located(source).files
        scripts = [str(file) for file in files if sources.is_script(file)]
        if scripts:
            what = f"its inventory would execute {quoted(scripts[0])} on this machine"
            yield Problem(where=plan.where, what=what, hint=hint)
        elif any(not file.resolve().is_relative_to(Path.cwd().resolve()) for file in files):
            what = f"its inventory {quoted(source)} lies outside of this folder"
            yield Problem(where=plan.where, what=what, hint=hint)


def chosen(
    plan: SavedPlan, prepare: Prepare, targets: Sequence[Target]
) -> tuple[list[Target], list[HostRecap]]:
    """The targets on which a plan does something, and the recaps of the other hosts.

    Raises InputError with all that is not as it was when the plan was made, hosts apart.
    """
    InputError.raise_if_any(plan.stale(on(plan, prepare, targets)))
    idle = [left_alone(name, host) for name, host in plan.hosts.items() if not host.todo]
    return [target for target in targets if plan.hosts[target.host.name].todo], idle


def left_alone(host: str, planned: PlannedHost) -> HostRecap:
    """The recap of a host on which a plan does nothing."""
    if planned.architecture is None:
        said = ("nothing was planned for it: it did not answer then",)
        return HostRecap(host=host, skipped=1, warnings=said)
    blocked = [change for change in planned.changes if change.obstacles]
    problems = (
        Problem(where=f"{host}: {change.program}", what=each["what"], hint=each["hint"])
        for change in blocked
        for each in change.obstacles
    )
    skipped = len(planned.changes) - len(blocked)
    return HostRecap(host=host, skipped=skipped, failed=len(blocked), problems=tuple(problems))
