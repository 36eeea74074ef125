"""`fleetbpf audit`: is every host as declared? what BPF is there that we did not put there?"""

import argparse
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleetbpf.cli import envelope
from fleetbpf.cli.options import add_fleet, load_targets
from fleetbpf.cli.output import Output
from fleetbpf.errors import ExitCode
from fleetbpf.wording import counted

if TYPE_CHECKING:
    from fleetbpf.audit import Finding
    from fleetbpf.builders import Builders
    from fleetbpf.connections import Connection
    from fleetbpf.fleet import Outcome
    from fleetbpf.layout import Workspace
    from fleetbpf.model.manifest import Manifest
    from fleetbpf.model.target import Target
    from fleetbpf.ownership import Owner

SUMMARY = "compare every host with the manifest; exit 3 when one is not as declared"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--report", action="store_true", help="leave a dated report under reports/ as well"
    )
    add_fleet(parser)


def run(options: argparse.Namespace, output: Output) -> ExitCode:
    """Audit all hosts of the manifest, `forks` at a time; changes nothing on them."""
    from fleetbpf.cli.session import Session
    from fleetbpf.collect import mirroring

    manifest, targets = load_targets(options)
    session = Session.of(options)
    work = auditing(manifest, targets, session.builders(output), session.owner(manifest))
    outcomes = session.on_each(targets, work)
    if any(outcome.interrupted for outcome in outcomes):
        raise KeyboardInterrupt
    found = [finding for outcome in outcomes for finding in of(outcome)]
    told = report(manifest.name, found, [target.host.name for target in targets])
    rows = [(f.host, f.kind.value, f.program, f.what) for f in found]
    if rows:
        output.table(("HOST", "FINDING", "PROGRAM", "WHAT"), rows)
    output.line(summary(found, hosts=len(targets)))
    if options.report:
        with mirroring(session.workspace.reports, host="report"):
            output.progress(f"report: {keep(told, session.workspace, output)}")
    output.document(told)
    return ExitCode.DRIFT if found else ExitCode.DONE


def auditing(
    manifest: "Manifest", targets: Sequence["Target"], builders: "Builders", owner: "Owner"
) -> Callable[["Target", "Connection"], tuple["Finding", ...]]:
    """The work on one host: ask for its facts and its kernel's programs, and compare."""
    from fleetbpf import audit, build_key, facts, inspection
    from fleetbpf.kernel_btf import BtfFolder
    from fleetbpf.layout import HostLayout
    from fleetbpf.release import Release

    for recipe in {program.recipe for target in targets for program in target.programs}:
        builders.inputs(recipe)  # what cannot be built is told before a host is contacted
        builders.inspector(recipe.architecture)
    btf = BtfFolder.read(manifest.btf_folder)

    def work(target: "Target", connection: "Connection") -> tuple["Finding", ...]:
        host, become = target.host.name, target.become
        layout = HostLayout().at(target.host.root)
        seen = facts.ask(
            connection,
            layout,
            host=host,
            deployment=manifest.name,
            become=become,
            wishes=(facts.SUMS,),
        )
        architecture = facts.architecture(seen, host=host)
        inspector = builders.inspector(architecture).path.read_bytes()
        loaded = inspection.ask(connection, layout, inspector, host=host, become=become)
        releases = [
            Release(
                deployment=manifest.name,
                program=p,
                build_key=build_key.program_key(builders.inputs(p.recipe)),
                inputs=build_key.brief(builders.inputs(p.recipe)),
                layout=layout,
                btf=btf.of(seen),
            )
            for p in target.on(architecture).programs
        ]
        known = manifest.audit.known if manifest.audit else ()
        return audit.findings(
            host, manifest.name, releases, seen, loaded, known=known, layout=layout, owner=owner
        )

    return work


def of(outcome: "Outcome[tuple[Finding, ...]]") -> Sequence["Finding"]:
    """The findings on one host; a host that told nothing is a finding itself."""
    from fleetbpf import audit

    if outcome.value is not None:
        return outcome.value
    return [audit.unreachable(outcome.host.name, outcome.error)] if outcome.error else []


def report(deployment: str, found: Sequence["Finding"], hosts: Sequence[str]) -> dict[str, Any]:
    """The report of one audit: when, of what, and all findings."""
    return {
        "deployment": deployment,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "hosts": [{"host": name} for name in hosts],
        "findings": list(found),
        "exit_code": int(ExitCode.DRIFT if found else ExitCode.DONE),
    }


def keep(told: Mapping[str, Any], workspace: "Workspace", output: Output) -> Path:
    """Write a report under `reports/<deployment>/`, named by its time in UTC; its path."""
    from fleetbpf.private_files import write_whole

    moment = datetime.fromisoformat(told["time"])
    name = f"{moment:%Y-%m-%dT%H%M%SZ}.json"
    file = workspace.reports / str(told["deployment"]) / name
    whole = envelope.enveloped(output.command, told)
    content = output.encoded(whole, indent=2) + "\n"
    write_whole(file, content.encode(), below=workspace.folder)
    return file


def summary(found: Sequence["Finding"], *, hosts: int) -> str:
    """The last line: how many findings of which kind, on how many hosts."""
    if not found:
        return f"{counted(hosts, 'host')} as declared"
    counts = Counter(finding.kind.value for finding in found)
    kinds = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    touched = len({finding.host for finding in found})
    return f"{counted(len(found), 'finding')} ({kinds}) on {touched} of {counted(hosts, 'host')}"
