"""`fleetbpf destroy`: take a deployment off its hosts."""

import argparse

from fleetbpf.cli import recap
from fleetbpf.cli.options import add_fleet, add_lock_timeout, add_take_over, load_hosts
from fleetbpf.cli.output import Output
from fleetbpf.cli.recap import HostRecap
from fleetbpf.errors import ExitCode

SUMMARY = "stop a deployment, collect its last records, and leave nothing of it on the hosts"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_fleet(parser)
    add_lock_timeout(parser)
    add_take_over(parser)


def run(options: argparse.Namespace, output: Output) -> ExitCode:
    """Destroy on all hosts of the manifest, `forks` at a time."""
    from fleetbpf.cli.session import Session
    from fleetbpf.destroy import Destroy

    manifest, targets = load_hosts(options)
    session = Session.of(options)
    work = Destroy(
        deployment=manifest.name,
        owner=session.owner(manifest),
        workspace=session.workspace,
        say=session.shown.say,
        claim=session.claim,
    )
    outcomes = session.on_each(targets, work.on, word=lambda found: found.word)
    recaps = [
        recap.of_error(found.host.name, found.error)
        if found.value is None
        else HostRecap(host=found.host.name, ok=len(found.value), changed=len(found.value))
        for found in outcomes
    ]
    recap.tell(output, recaps)
    rows = {found.host.name: {"destroyed": found.value or ()} for found in outcomes}
    output.document({"deployment": manifest.name, **recap.document(recaps, rows)})
    return recap.exit_code(recaps)
