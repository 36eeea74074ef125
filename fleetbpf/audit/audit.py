"""Audit: is a host as the manifest declares it, and what BPF is there that nobody declared?"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from pathlib import PurePosixPath

from fleetbpf.audit.known_bpf import KnownOwner, find_owner
from fleetbpf.errors import FleetbpfError, Problem, UnreachableError
from fleetbpf.frozen import frozen
from fleetbpf.model.facts import HostFacts, LoadedProgram, OrphanKind, ProgramFacts
from fleetbpf.model.layout import HostLayout
from fleetbpf.model.manifest import Known
from fleetbpf.plan import orphans
from fleetbpf.plan.ownership import Owner
from fleetbpf.plan.plan import Cause, beside, left_behind, moved, outage, tampering
from fleetbpf.plan.release import Release
from fleetbpf.quantities import told_size
from fleetbpf.wording import listed

FULL = 4 * 1024 * 1024  # bytes; with less on the disk a loader has no room for a segment


class Kind(Enum):
    """In which way a host is not as declared."""

    MISSING = "missing"  # declared, and not placed
    STALE = "stale"  # another release than the declared one
    STOPPED = "stopped"  # the right release, and it does not run or will not after a reboot
    EXPIRED = "expired"  # it ended by itself, as its play says
    TAMPERED = "tampered"  # its files are not as they were placed
    STRAY = "stray"  # there, and not declared
    OWNED = "owned"  # the deployment is of another manifest of the same name
    FAILED = "failed"  # it was reached, and not all of it could be looked at
    ORPHANED = "orphaned"  # of fleetbpf, and part of nothing that is placed
    UNREACHABLE = "unreachable"  # nothing is known


@frozen
class Finding:
    """One fact in which a host differs from what is declared."""

    host: str
    kind: Kind
    program: str  # of the deployment; for a stray BPF program its name in the kernel
    what: str


@frozen
class HostAudit:
    """What an audit has found on one host."""

    findings: tuple[Finding, ...]
    known: Mapping[str, int]  # programs in its kernel that are known, by their owners
    problems: tuple[Problem, ...] = ()  # why not all of it could be looked at
    warnings: tuple[str, ...] = ()


def remarks(facts: HostFacts) -> tuple[str, ...]:
    """What a person should know of a host though it is as declared."""
    if facts.free is None or facts.free >= FULL:
        return ()
    return (f"its disk is full ({told_size(facts.free)} free): records are lost there",)


def findings(
    host: str,
    deployment: str,
    releases: Sequence[Release],
    facts: HostFacts,
    loaded: Iterable[LoadedProgram],
    *,
    layout: HostLayout,
    owner: Owner | None = None,
) -> tuple[Finding, ...]:
    """All findings on one host, in the manifest's order, strays last.

    loaded: programs in the kernel, less those that are known. What is orphaned is told of every
    deployment: nobody else would.
    """
    owned = [problem.what for problem in owner.conflicts(facts, host=host)] if owner else []
    declared = {release.program.name for release in releases}
    strays = (
        placed
        for placed in facts.programs
        if placed.deployment == deployment and placed.program not in declared
    )
    return (
        *(Finding(host=host, kind=Kind.OWNED, program="", what=what) for what in owned),
        *(found for release in releases if (found := drift(host, release, facts))),
        *(undeclared(host, placed) for placed in strays),
        *orphaned(host, deployment, facts),
        *(foreign(host, program) for program in loaded if not is_ours(program, layout, facts)),
    )


def drift(host: str, release: Release, facts: HostFacts) -> Finding | None:
    """In which way one declared program is not as declared, the gravest first."""
    name = release.program.name
    placed = facts.find(release.deployment, name)
    if placed is None or not placed.current:
        return Finding(host=host, kind=Kind.MISSING, program=name, what="is not there")
    current = placed.find(placed.current)
    if current is None:
        what = f"the files of release {placed.current} are gone"
        return Finding(host=host, kind=Kind.MISSING, program=name, what=what)
    if current.release != release.id:
        what = (
            f"release {current.release}, declared is {release.id}: {moved(release, current).text}"
        )
        return Finding(host=host, kind=Kind.STALE, program=name, what=what)
    if changed := tampering(release, placed, current, facts):
        return Finding(host=host, kind=Kind.TAMPERED, program=name, what=changed.text)
    if more := beside(left_behind(placed, release.id), ()):
        return Finding(host=host, kind=Kind.STALE, program=name, what=more.text)
    if broken := outage(placed, current, facts):
        kind = Kind.EXPIRED if broken.cause is Cause.EXPIRED else Kind.STOPPED
        return Finding(host=host, kind=kind, program=name, what=broken.text)
    return None


def undeclared(host: str, placed: ProgramFacts) -> Finding:
    """A program of the deployment that the manifest does not give to this host."""
    what = f"release {placed.current or 'none'} is there, and the manifest does not declare it"
    return Finding(host=host, kind=Kind.STRAY, program=placed.program, what=what)


def orphaned(host: str, deployment: str, facts: HostFacts) -> Iterable[Finding]:
    """What belongs to no placed release, a finding for each program that it tells."""
    for (owner, program), found in orphans.by_program(facts.orphans).items():
        placed = facts.find(owner, program)
        lost = orphans.without_files(found, keep={placed.current}) if placed else tuple(found)
        if not lost:  # it is in the way of a placed release, which is told there
            continue
        name = program if owner == deployment else "/".join(filter(None, (owner, program)))
        releases = listed(orphans.releases(lost))
        what = f"release {releases}" if releases else "something"
        what += f" is left without its files: {orphans.told(lost)}"
        yield Finding(host=host, kind=Kind.ORPHANED, program=name, what=what)


def foreign(host: str, program: LoadedProgram) -> Finding:
    """A BPF program in the kernel that no fleetbpf loader holds."""
    holders = ", ".join(f"pid {pid}" for pid in program.pids) or "no process (pinned or attached)"
    what = f"BPF program {program.id}, {program.type}, uid {program.uid}, held by {holders}"
    if program.executable:
        what += f" ({program.executable})"
    name = program.name or f"#{program.id}"
    return Finding(host=host, kind=Kind.STRAY, program=name, what=what)


def unknown(host: str, error: FleetbpfError) -> Finding:
    """What kept a host from being looked at: it was not reached, or was, and something failed."""
    what = "; ".join(problem.what for problem in error.problems)
    kind = Kind.UNREACHABLE if isinstance(error, UnreachableError) else Kind.FAILED
    return Finding(host=host, kind=kind, program="", what=what)


def sort_out(
    loaded: Iterable[LoadedProgram], known: Sequence[Known], owners: Sequence[KnownOwner]
) -> tuple[tuple[LoadedProgram, ...], Counter[str]]:
    """The programs that nobody knows, and how many of each owner are known."""
    strange: list[LoadedProgram] = []
    counts: Counter[str] = Counter()
    for program in loaded:
        owner = find_owner(program, known, owners)
        if owner is None:
            strange.append(program)
        else:
            counts[owner] += 1
    return tuple(strange), counts


def is_ours(program: LoadedProgram, layout: HostLayout, facts: HostFacts) -> bool:
    """Whether a fleetbpf loader holds a BPF program; its files may be gone, or elsewhere."""
    loaders = {each.what for each in facts.orphans if each.kind is OrphanKind.PROCESS}
    ours = any(str(pid) in loaders for pid in program.pids)
    return ours or PurePosixPath(program.executable).is_relative_to(layout.root / "objects")
