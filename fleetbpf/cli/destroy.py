"""`fleetbpf destroy`: take a deployment off its hosts."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fleetbpf.cli import deleting, recap
from fleetbpf.cli.deleting import Consent
from fleetbpf.cli.options import add_fleet, add_lock_timeout, add_take_over, load_hosts
from fleetbpf.cli.output import Output
from fleetbpf.cli.recap import HostRecap
from fleetbpf.errors import ExitCode, FleetbpfError, Problem

if TYPE_CHECKING:
    from fleetbpf.cli.session import Session
    from fleetbpf.destroy import Destroy
    from fleetbpf.model.target import Target

SUMMARY = "stop a deployment, collect its last records, and leave nothing of it on the hosts"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_fleet(parser)
    add_lock_timeout(parser)
    add_take_over(parser)
    deleting.add_yes(parser)


def run(options: argparse.Namespace, output: Output) -> ExitCode:
    """Destroy on all hosts of the manifest, `forks` at a time."""
    from fleetbpf.cli.session import Session
    from fleetbpf.destroy import Destroy

    manifest, targets = load_hosts(options)
    session = Session.of(options)
    consent = Consent(yes=options.yes, output=output, shown=session.shown)
    consent.check("destroy deletes programs, and what they have told and was not collected")
    work = Destroy(
        deployment=manifest.name,
        owner=session.owner(manifest),
        workspace=session.workspace,
        say=session.shown.say,
        claim=session.claim,
    )
    if not consent.yes and not is_meant(work, targets, session, consent):
        raise FleetbpfError(Problem(where="", what="nothing was destroyed: the answer was no"))
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


def is_meant(
    work: "Destroy", targets: "Sequence[Target]", session: "Session", consent: Consent
) -> bool:
    """Whether a person says yes to what there is to destroy; hosts that fail fail again later."""
    looked = session.on_each(targets, work.look)
    if any(outcome.interrupted for outcome in looked):
        raise KeyboardInterrupt
    return consent.is_given([change for each in looked for change in each.value or ()])
