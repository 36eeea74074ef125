"""`fleetbpf rollback`: put programs back to the release that was there before."""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from fleetbpf.cli import recap
from fleetbpf.cli.options import add_fleet, add_lock_timeout, add_take_over, load_hosts
from fleetbpf.cli.output import Output
from fleetbpf.cli.recap import HostRecap
from fleetbpf.errors import ExitCode, InputError, Problem
from fleetbpf.wording import did_you_mean, quoted

if TYPE_CHECKING:
    from fleetbpf.deploy.rollback import Returned
    from fleetbpf.fleet.fleet import Outcome
    from fleetbpf.model.manifest import Manifest

SUMMARY = "put programs back to the release before the current one, from what lies on each host"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_fleet(parser)
    add_lock_timeout(parser)
    add_take_over(parser)
    parser.add_argument("--to", metavar="RELEASE", help="to this release, not the one before")
    parser.add_argument("--program", metavar="PROGRAM", help="only this program")


def run(options: argparse.Namespace, output: Output) -> ExitCode:
    """Roll back on all hosts of the manifest, `forks` at a time; no source is needed."""
    from fleetbpf.cli.session import Session
    from fleetbpf.deploy.rollback import Rollback

    manifest, targets = load_hosts(options)
    InputError.raise_if_any(unknown(options.program, manifest))
    session = Session.of(options)
    work = Rollback(
        deployment=manifest.name,
        owner=session.owner(manifest),
        workspace=session.workspace,
        say=session.shown.say,
        claim=session.claim,
        to=options.to,
        program=options.program,
    )
    outcomes = session.on_each(targets, work.on, word=word)
    recaps = [of(outcome) for outcome in outcomes]
    if options.program is not None and not any(map(has_any, recaps)):
        recaps = [absent(each, options.program) for each in recaps]
    recap.tell(output, recaps)
    rows = {
        found.host.name: {"rolled_back": found.value.done if found.value else ()}
        for found in outcomes
    }
    output.document({"deployment": manifest.name, **recap.document(recaps, rows)})
    return recap.exit_code(recaps)


def unknown(program: str | None, manifest: "Manifest") -> Iterator[Problem]:
    """A program that the manifest does not have."""
    if program is not None and program not in manifest.programs:
        what = f"no program is called {quoted(program)}"
        hint = did_you_mean(program, manifest.programs, noun="programs")
        yield Problem(where="--program", what=what, hint=hint)


def has_any(told: HostRecap) -> bool:
    """Whether something was put back there, is there, or failed."""
    return bool(told.ok or told.failed or told.unreachable or told.interrupted)


def absent(told: HostRecap, program: str) -> HostRecap:
    """The recap of a host where the one program that was asked for is not."""
    what = f"there is nothing to roll back: no host has the program {quoted(program)}"
    return replace(told, failed=1, problems=(Problem(where=told.host, what=what),))


def word(outcome: "Outcome[Returned]") -> str:
    """What became of a host, in a word."""
    if outcome.value is None:
        return outcome.word
    if outcome.value.problems:
        return "failed"
    return "changed" if outcome.value.done else "ok"


def of(outcome: "Outcome[Returned]") -> HostRecap:
    """The recap of one host."""
    host, returned = outcome.host.name, outcome.value
    if returned is None:
        return recap.of_error(host, outcome.error)
    return HostRecap(
        host=host,
        ok=len(returned.done) + returned.left,
        changed=len(returned.done),
        failed=len(returned.problems),
        problems=returned.problems,
    )
