"""`fleetbpf check`: would each kernel of the fleet take each program? Nothing is attached."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from fleetbpf.cli import envelope, recap
from fleetbpf.cli.options import add_fleet, load_targets
from fleetbpf.cli.output import Output
from fleetbpf.cli.recap import HostRecap
from fleetbpf.errors import ExitCode

if TYPE_CHECKING:
    from fleetbpf.cli.session import Session
    from fleetbpf.deploy.check import Check
    from fleetbpf.deploy.trial import Judgement, Trial, Tried
    from fleetbpf.execution import Connection
    from fleetbpf.fleet.fleet import Outcome
    from fleetbpf.model.facts import HostFacts
    from fleetbpf.model.manifest import Manifest
    from fleetbpf.model.target import Target

SUMMARY = "have two hosts per kernel release judge every program, attaching and leaving nothing"
HEADERS = ("PROGRAM", "KERNEL", "ARCH", "HOSTS", "VERDICT")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_fleet(parser)


def run(options: argparse.Namespace, output: Output) -> ExitCode:
    """Ask all hosts what they are, then one of each kind to try the programs."""
    from fleetbpf.cli.session import Session

    manifest, targets = load_targets(options)
    session = Session.of(options)
    work = checking(manifest, targets, session, output)
    asked = session.on_each(targets, work.facts)
    seen = {outcome.host.name: outcome.value for outcome in asked if outcome.value}
    trials = work.trials(targets, seen)
    gone_on = not any(outcome.interrupted for outcome in asked)
    judged, tried = try_all(work, session, targets, trials if gone_on else (), seen)
    tell(output, judged)
    recaps = [*failures(asked), *failures(tried)]
    recap.tell_problems(output, recaps)
    code = exit_code(judged, recaps)
    rows = recap.hosts(work_done(asked, recaps))
    output.document({**document(manifest.name, judged), **rows, "exit_code": int(code)})
    return code


def checking(
    manifest: "Manifest", targets: Sequence["Target"], session: "Session", output: Output
) -> "Check":
    """What is done on each host; builds every program."""
    from fleetbpf.build.toolchain import default_cache
    from fleetbpf.deploy.check import Check

    return Check(
        prepare=session.prepare(manifest, targets, output),
        workspace=session.workspace,
        cache=default_cache().parent / "btf",
    )


def try_all(
    work: "Check",
    session: "Session",
    targets: Sequence["Target"],
    trials: Sequence["Trial"],
    seen: Mapping[str, "HostFacts"],
) -> tuple[tuple["Judgement", ...], list["Outcome[Tried]"]]:
    """Have hosts of each trial try it, until enough say the same."""
    from fleetbpf.deploy.judges import choose_judges, judge

    heard: dict[tuple[str, str], Tried | None] = {}
    outcomes: list[Outcome[Tried]] = []
    while todo := choose_judges(trials, heard):
        round_of = partial(try_on, work, todo, seen)
        found = session.on_each([t for t in targets if t.host.name in todo], round_of)
        for outcome in found:
            for trial in todo[outcome.host.name]:
                heard[outcome.host.name, trial.program] = outcome.value
        outcomes += found
        if any(outcome.interrupted for outcome in found):
            break
    return judge(trials, heard), outcomes


def try_on(
    work: "Check",
    todo: Mapping[str, Sequence["Trial"]],
    seen: Mapping[str, "HostFacts"],
    target: "Target",
    connection: "Connection",
) -> "Tried":
    """The work on one host."""
    name = target.host.name
    return work.try_on(target, connection, todo[name], seen[name])


def tell(output: Output, judged: Sequence["Judgement"]) -> None:
    """Write the table, what kernels lack, and why programs were refused."""
    if judged:
        output.table(HEADERS, [cells(each) for each in judged])
    for line in lacking(judged):
        output.line(line)
    for each in judged:
        if each.problem:
            output.problem(each.problem)


def cells(each: "Judgement") -> tuple[str, ...]:
    """One row of the table."""
    trial = each.trial
    return (trial.program, trial.kernel, trial.arch, str(len(trial.hosts)), each.verdict.value)


def lacking(judged: Sequence["Judgement"]) -> Iterator[str]:
    """What programs read that kernels lack, each with those kernels."""
    kernels: dict[tuple[str, str, str], dict[str, None]] = {}
    for each in judged:
        for missing in each.missing:
            key = (each.trial.program, missing.function, missing.what)
            kernels.setdefault(key, {})[each.trial.kernel] = None
    for (program, function, what), releases in kernels.items():
        yield f"{program}: {function} reads {what}: not in {', '.join(releases)}"


def work_done(
    asked: Sequence["Outcome[HostFacts]"], failed: Sequence[HostRecap]
) -> list[HostRecap]:
    """Every host that was asked: those that failed, then or later, and the others."""
    lost = {each.host: each for each in failed}
    names = (outcome.host.name for outcome in asked)
    return [lost.get(name, HostRecap(host=name, ok=1)) for name in names]


def failures(outcomes: Sequence["Outcome[Any]"]) -> list[HostRecap]:
    """The hosts that did not answer."""
    lost = (outcome for outcome in outcomes if outcome.error)
    return [recap.of_error(outcome.host.name, outcome.error) for outcome in lost]


def exit_code(judged: Sequence["Judgement"], recaps: Sequence[HostRecap]) -> ExitCode:
    """1 when a program was refused or a host failed, 4 when one was unreachable."""
    code = recap.exit_code(recaps)
    refused = any(each.problem for each in judged)
    return ExitCode.FAILED if refused and code is not ExitCode.INTERRUPTED else code


def document(deployment: str, judged: Sequence["Judgement"]) -> dict[str, Any]:
    """What the JSON document has besides hosts and problems."""
    return {
        "deployment": deployment,
        "checks": [
            {
                "program": each.trial.program,
                "kernel": each.trial.kernel,
                "arch": each.trial.arch,
                "hosts": each.trial.hosts,
                "release": each.trial.release.id,
                "verdict": each.verdict,
                "missing": each.missing,
                "error": envelope.row(each.problem),
            }
            for each in judged
        ],
    }
