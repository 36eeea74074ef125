"""`fleetbpf destroy`: take a deployment, or everything of fleetbpf's, off hosts."""

import argparse
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from fleetbpf.cli import deleting, recap
from fleetbpf.cli.deleting import Consent
from fleetbpf.cli.options import (
    add_chosen,
    add_lock_timeout,
    add_take_over,
    load_hosts,
    matching,
    names_manifest,
)
from fleetbpf.cli.output import Output
from fleetbpf.cli.recap import HostRecap
from fleetbpf.errors import ExitCode, FleetbpfError, HostError, InputError, Problem
from fleetbpf.wording import did_you_mean, quoted

if TYPE_CHECKING:
    from fleetbpf.cli.session import Session
    from fleetbpf.deploy.destroy import Destroy
    from fleetbpf.model.manifest import Manifest
    from fleetbpf.model.target import Target

SUMMARY = "stop a deployment, collect its last records, and leave nothing of it on the hosts"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    whose = parser.add_mutually_exclusive_group()
    whose.add_argument(
        "--deployment",
        metavar="NAME",
        type=deployment_name,
        help="of the hosts of a pattern, whatever manifest it came from",
    )
    whose.add_argument(
        "--all",
        action="store_true",
        help="everything of fleetbpf's, of the hosts of a pattern, in whatever state it is",
    )
    add_chosen(parser)
    add_lock_timeout(parser)
    add_take_over(parser)
    deleting.add_yes(parser)


def deployment_name(text: str) -> str:
    """The name of a deployment; raises what argparse turns into a usage error."""
    from fleetbpf.model.values import NAME

    if not NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no name of a deployment")
    return text


def run(options: argparse.Namespace, output: Output) -> ExitCode:
    """Destroy on all hosts, `forks` at a time; a host is ok when a second look finds nothing."""
    from fleetbpf.cli.session import Session
    from fleetbpf.deploy.destroy import Destroy

    deployment, manifest, targets = chosen(options)
    session = Session.of(options)
    consent = Consent(yes=options.yes, output=output, shown=session.shown)
    consent.check("destroy deletes programs, and what they have told and was not collected")
    work = Destroy(
        deployment=deployment,
        owner=session.owner(manifest) if manifest else None,
        workspace=session.workspace,
        say=session.shown.say,
        claim=session.claim,
    )
    if not consent.yes and not is_meant(work, targets, session, consent):
        raise FleetbpfError(Problem(where="", what="nothing was destroyed: the answer was no"))
    outcomes = session.on_each(targets, work.on, word=lambda found: found.word)
    if options.deployment and all(found.value == () for found in outcomes):
        HostError.raise_if_any(unknown(work, targets, session))
    recaps = [
        recap.of_error(found.host.name, found.error)
        if found.value is None
        else HostRecap(host=found.host.name, ok=len(found.value), changed=len(found.value))
        for found in outcomes
    ]
    recap.tell(output, recaps)
    rows = {found.host.name: {"destroyed": found.value or ()} for found in outcomes}
    output.document({"deployment": deployment, **recap.document(recaps, rows)})
    return recap.exit_code(recaps)


def is_meant(
    work: "Destroy", targets: "Sequence[Target]", session: "Session", consent: Consent
) -> bool:
    """Whether a person says yes to what there is to destroy; hosts that fail fail again later."""
    looked = session.on_each(targets, work.look)
    if any(outcome.interrupted for outcome in looked):
        raise KeyboardInterrupt
    return consent.is_given([change for each in looked for change in each.value or ()])


def unknown(work: "Destroy", targets: "Sequence[Target]", session: "Session") -> Iterator[Problem]:
    """A deployment of which no host has anything: a slip of the pen, unless one had it before.

    The history of a host goes with its last deployment; the records that were collected stay here.
    """
    from fleetbpf.model.layout import below

    mirrors = [session.workspace.mirror(target.host.name) for target in targets]
    if any(below(mirror, work.deployment).is_dir() for mirror in mirrors):
        return
    told = session.on_each(targets, work.known)
    known = sorted({name for each in told for name in each.value or ()})
    if work.deployment not in known and all(each.value is not None for each in told):
        what = f"no host there has anything of a deployment {quoted(work.deployment)}"
        hint = did_you_mean(work.deployment, known, noun="deployments there")
        hint = hint or "there is none of fleetbpf's: see `fleetbpf status HOSTS`"
        yield Problem(where="--deployment", what=what, hint=hint)


def chosen(
    options: argparse.Namespace,
) -> "tuple[str, Manifest | None, tuple[Target, ...]]":
    """What is to go, and from where: a manifest's deployment from its hosts, or as options say."""
    from fleetbpf.deploy.destroy import EVERYTHING

    by_pattern = options.all or options.deployment
    if names_manifest(options):
        if by_pattern:
            what = "it is a manifest, and with --deployment or --all hosts have to be named"
            hint = f"`fleetbpf destroy {options.hosts}` removes what it declares; else name hosts"
            raise InputError(Problem(where=options.hosts, what=what, hint=hint))
        manifest, targets = load_hosts(options)
        return manifest.name, manifest, targets
    if not by_pattern:
        what = "there is no such manifest"
        hint = "for hosts, say what is to go: --deployment NAME, or --all of fleetbpf's"
        raise InputError(Problem(where=options.hosts, what=what, hint=hint))
    return options.deployment or EVERYTHING, None, matching(options)
