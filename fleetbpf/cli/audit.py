"""`fleetbpf audit`: is every host as declared? what BPF is there that we did not put there?"""

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleetbpf.cli import envelope, recap
from fleetbpf.cli.options import add_fleet, load_targets
from fleetbpf.cli.output import Output
from fleetbpf.errors import ExitCode, HostError, InputError, Problem
from fleetbpf.wording import counted

if TYPE_CHECKING:
    from fleetbpf.audit.audit import Finding, HostAudit
    from fleetbpf.build.builders import Builders
    from fleetbpf.execution import Connection
    from fleetbpf.fleet.fleet import Outcome
    from fleetbpf.model.facts import LoadedProgram
    from fleetbpf.model.layout import Workspace
    from fleetbpf.model.manifest import Manifest
    from fleetbpf.model.target import Target
    from fleetbpf.plan.ownership import Owner

SUMMARY = "compare every host with the manifest; exit 3 when one is not as declared"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--show-known",
        action="store_true",
        help="show the BPF of others that is known by default; needs no manifest",
    )
    parser.add_argument(
        "--no-defaults",
        action="store_true",
        help="know only what the manifest's `audit.known` says",
    )
    parser.add_argument(
        "--report", action="store_true", help="leave a dated report under reports/ as well"
    )
    add_fleet(parser, nargs="*")


def run(options: argparse.Namespace, output: Output) -> ExitCode:
    """Audit all hosts of the manifest, `forks` at a time; changes nothing on them."""
    if options.show_known:
        return show_known(output)
    if options.manifest is None:
        raise InputError(Problem(where="audit", what="no manifest is named", hint="audit MANIFEST"))
    from fleetbpf.cli.session import Session
    from fleetbpf.records.collect import mirroring

    manifest, targets = load_targets(options)
    session = Session.of(options)
    builders, owner = session.builders(output), session.owner(manifest)
    work = auditing(manifest, targets, builders, owner, defaults=not options.no_defaults)
    outcomes = session.on_each(targets, work)
    if any(outcome.interrupted for outcome in outcomes):
        raise KeyboardInterrupt
    told = report(manifest.name, outcomes)
    tell(output, outcomes)
    if options.report:
        with mirroring(session.workspace.reports, host="report"):
            output.progress(f"report: {keep(told, session.workspace, output)}")
    output.document(told)
    return exit_code(outcomes)


def show_known(output: Output) -> ExitCode:
    """Write the BPF that is known without a manifest."""
    from fleetbpf.audit.known_bpf import defaults

    owners = defaults()
    rows = [
        (
            each.owner,
            ", ".join(each.types),
            ", ".join(name or "(none)" for name in each.names),
            ", ".join((*each.executables, *(f"nobody; tag {tag}" for tag in each.tags)))
            + (f" (pid {each.pid})" if each.pid else ""),
            each.what,
        )
        for each in owners
    ]
    output.table(("OWNER", "TYPES", "NAMES", "HELD BY", "WHAT"), rows)
    output.document({"owners": [each.model_dump() for each in owners]})
    return ExitCode.DONE


def auditing(
    manifest: "Manifest",
    targets: Sequence["Target"],
    builders: "Builders",
    owner: "Owner",
    *,
    defaults: bool,
) -> Callable[["Target", "Connection"], "HostAudit"]:
    """The work on one host: ask for its facts and its kernel's programs, and compare."""
    from fleetbpf.audit import audit, known_bpf
    from fleetbpf.build import build_key
    from fleetbpf.build.kernel_btf import BtfFolder
    from fleetbpf.host import facts, inspection
    from fleetbpf.model.layout import HostLayout
    from fleetbpf.plan.release import Release

    for recipe in {program.recipe for target in targets for program in target.programs}:
        builders.inputs(recipe)  # what cannot be built is told before a host is contacted
        builders.inspector(recipe.architecture)
    btf = BtfFolder.read(manifest.btf_folder)

    owners = known_bpf.defaults() if defaults and manifest.audit.defaults else ()

    def work(target: "Target", connection: "Connection") -> "HostAudit":
        host, become = target.host.name, target.become
        layout = HostLayout().at(target.host.root)
        seen = facts.ask(
            connection,
            layout,
            host=host,
            deployment=manifest.name,
            become=become,
            wishes=(facts.SUMS, facts.THOROUGH),
        )
        architecture = facts.architecture(seen, host=host)
        inspector = builders.inspector(architecture).path.read_bytes()
        loaded, problems = look(
            lambda: inspection.ask(connection, layout, inspector, host=host, become=become)
        )
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
        strange, known = audit.sort_out(loaded, manifest.audit.known, owners)
        return audit.HostAudit(
            findings=audit.findings(
                host, manifest.name, releases, seen, strange, layout=layout, owner=owner
            ),
            known=known,
            problems=problems,
            warnings=audit.remarks(seen),
        )

    return work


def look(
    ask: "Callable[[], tuple[LoadedProgram, ...]]",
) -> "tuple[tuple[LoadedProgram, ...], tuple[Problem, ...]]":
    """The programs in a kernel; or why they are not known, which leaves the facts as they are."""
    try:
        return ask(), ()
    except HostError as error:
        return (), error.problems


def of(outcome: "Outcome[HostAudit]") -> recap.HostRecap:
    """The recap of one host."""
    name, found = outcome.host.name, outcome.value
    if found is None:
        return recap.of_error(name, outcome.error)
    return recap.HostRecap(
        host=name,
        ok=int(not found.problems),
        failed=int(bool(found.problems)),
        problems=found.problems,
        warnings=found.warnings,
    )


def drifted(outcomes: "Sequence[Outcome[HostAudit]]") -> "list[Finding]":
    """In what the hosts that could be looked at are not as declared."""
    return [finding for each in outcomes if each.value for finding in each.value.findings]


def unknown(outcomes: "Sequence[Outcome[HostAudit]]") -> "list[Finding]":
    """The hosts that could not be looked at, or not whole."""
    from fleetbpf.audit import audit

    found: list[Finding] = []
    for each in outcomes:
        if each.error:
            found.append(audit.unknown(each.host.name, each.error))
        elif each.value and each.value.problems:
            found.append(audit.unknown(each.host.name, HostError(*each.value.problems)))
    return found


def exit_code(outcomes: "Sequence[Outcome[HostAudit]]") -> ExitCode:
    """3 when a host is not as declared, whatever became of others; else as all commands have it."""
    if drifted(outcomes):
        return ExitCode.DRIFT
    return recap.exit_code([of(outcome) for outcome in outcomes])


def tell(output: Output, outcomes: "Sequence[Outcome[HostAudit]]") -> None:
    """Write the findings, what could not be looked at and why, and the summary."""
    found = drifted(outcomes)
    if found:
        rows = [(each.host, each.kind.value, each.program, each.what) for each in found]
        output.table(("HOST", "FINDING", "PROGRAM", "WHAT"), rows)
    recap.tell_remarks(output, [of(outcome) for outcome in outcomes])
    for line in summary(outcomes):
        output.line(line)


def report(deployment: str, outcomes: "Sequence[Outcome[HostAudit]]") -> dict[str, Any]:
    """The report of one audit: when, of what, and all findings."""
    recaps = [of(outcome) for outcome in outcomes]
    known = known_of(outcomes)
    return {
        "deployment": deployment,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "hosts": [{"host": outcome.host.name} for outcome in outcomes],
        "findings": [*drifted(outcomes), *unknown(outcomes)],
        "known": [{"owner": owner, "programs": count} for owner, count in known.items()],
        "problems": recap.document(recaps, {})["problems"],
        "exit_code": int(exit_code(outcomes)),
    }


def known_of(outcomes: "Sequence[Outcome[HostAudit]]") -> Counter[str]:
    """How many programs of others are known, on all hosts, by their owners."""
    found: Counter[str] = Counter()
    for each in outcomes:
        if each.value:
            found.update(each.value.known)
    return found


def keep(told: Mapping[str, Any], workspace: "Workspace", output: Output) -> Path:
    """Write a report under `reports/<deployment>/`, named by its time in UTC; its path."""
    from fleetbpf.files.private_files import write_whole

    moment = datetime.fromisoformat(told["time"])
    name = f"{moment:%Y-%m-%dT%H%M%SZ}.json"
    file = workspace.reports / str(told["deployment"]) / name
    whole = envelope.enveloped(output.command, told)
    content = output.encoded(whole, indent=2) + "\n"
    write_whole(file, content.encode(), below=workspace.folder)
    return file


def summary(outcomes: "Sequence[Outcome[HostAudit]]") -> Iterator[str]:
    """The last lines: how many findings of which kind, on how many hosts; what is known."""
    found, lost = drifted(outcomes), unknown(outcomes)
    looked_at = len(outcomes) - len(lost)
    parts = [f"{counted(looked_at, 'host')} as declared"] if looked_at or not lost else []
    if found:
        counts = Counter(finding.kind.value for finding in found)
        kinds = ", ".join(f"{count} {kind}" for kind, count in counts.items())
        touched = len({finding.host for finding in found})
        hosts = counted(len(outcomes), "host")
        parts = [f"{counted(len(found), 'finding')} ({kinds}) on {touched} of {hosts}"]
    ends = Counter(finding.kind.value for finding in lost)
    parts += [f"{counted(count, 'host')} {kind}" for kind, count in ends.items()]
    yield "; ".join(parts)
    if known := known_of(outcomes):
        owners = ", ".join(f"{count} of {owner}" for owner, count in known.items())
        total = counted(sum(known.values()), "BPF program")
        yield f"{total} of others are known: {owners}"
