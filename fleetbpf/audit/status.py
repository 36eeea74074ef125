"""Status: a host's facts, told as what runs there."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from fleetbpf.execution import Connection
from fleetbpf.frozen import frozen
from fleetbpf.host import facts
from fleetbpf.host.skew import Skew
from fleetbpf.model.facts import HostFacts, Lock, Orphan, ProgramFacts, ReleaseFacts
from fleetbpf.model.layout import HostLayout, below
from fleetbpf.model.target import Target
from fleetbpf.plan import orphans
from fleetbpf.records import tally
from fleetbpf.records.records import timestamp
from fleetbpf.records.tally import Tally
from fleetbpf.wording import counted


@frozen
class ProgramStatus:
    """One program on one host."""

    host: str
    deployment: str  # "": what was found does not tell, nor does it the program then
    program: str
    arch: str  # of the host: uname -m
    release: str = ""
    state: str  # running, paused, not ready, stopped, expired, absent; beside, orphaned
    declared: bool | None = None  # for this host by the manifest; None: no manifest was named
    left: tuple[str, ...] = ()  # what there is of it, where it is orphaned
    expires_in_s: float | None = None  # negative: it is past; None: never
    pid: int = 0  # of the loader; 0 when it does not run
    since: str = ""  # UTC, to the second
    spool_bytes: int = 0  # of all releases
    attached: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()  # that the running loader keeps
    restarts: int = 0  # of the loader since the release's first start, after it was killed
    failure: str = ""  # why it does not start
    missed: int = 0  # runs that the kernel skipped since the loader started
    tally: Tally | None = None  # of that release since its first start


@frozen
class HostStatus:
    """What one host says of a deployment, or of all."""

    programs: tuple[ProgramStatus, ...]
    lock: Lock | None = None
    clock: Skew | None = None  # against this machine's


@frozen
class Status:
    """One run of status: the same for every host."""

    logs: Path  # the mirrors of all hosts
    deployment: str = ""  # "": whatever there is of fleetbpf's
    layout: HostLayout = HostLayout()

    def of(self, target: Target, connection: Connection) -> HostStatus:
        """What one host says of each program: declared ones first, then others that are there."""
        host = target.host.name
        thorough = () if self.deployment else (facts.THOROUGH,)
        sent_s = time.time()
        seen = facts.ask(
            connection,
            self.layout.at(target.host.root),
            host=host,
            deployment=self.deployment,
            become=target.become,
            wishes=(facts.SPOOLS, facts.MISSES, facts.CLOCK, *thorough),
        )
        clock = None
        if seen.clock is not None:
            clock = Skew.between(seen.clock, sent_s=sent_s, came_s=time.time())
        declared = [(self.deployment, program.name) for program in target.programs]
        programs = tuple(rows(host, self.deployment, declared, seen, self.logs / host))
        return HostStatus(programs=programs, lock=seen.lock, clock=clock)


def rows(
    host: str,
    deployment: str,
    declared: Sequence[tuple[str, str]],
    seen: HostFacts,
    mirror: Path,
) -> Iterable[ProgramStatus]:
    """A row for each declared program, and for each that is there all the same, whole or not."""
    placed = [(found.deployment, found.program) for found in seen.programs]
    for owner, name in dict.fromkeys((*declared, *placed)):
        found = seen.find(owner, name)
        wanted = (owner, name) in declared if deployment else None
        if found is None:
            yield ProgramStatus(
                host=host, deployment=owner, program=name, arch=seen.arch, state="absent"
            )
        else:
            row = row_of(host, found, seen, below(mirror, owner, name))
            yield replace(row, declared=wanted)
            yield from others(host, found, seen)
    yield from orphaned(host, deployment, seen)


def others(host: str, placed: ProgramFacts, seen: HostFacts) -> Iterable[ProgramStatus]:
    """A row for each placed release that runs beside the current one."""
    for release in placed.releases:
        if release.running_object and release.release != placed.current:
            yield ProgramStatus(
                host=host,
                deployment=placed.deployment,
                program=placed.program,
                arch=seen.arch,
                release=release.release,
                state="beside",
                pid=release.pid,
                attached=release.attached,
            )


def orphaned(host: str, deployment: str, seen: HostFacts) -> Iterable[ProgramStatus]:
    """A row for each release that is orphaned; what is of the whole program stands in the first."""
    found = orphans.of_deployment(deployment, seen)
    for (owner, program), left in orphans.by_program(found).items():
        told = set(unready(seen.find(owner, program), seen))
        parts = [each for each in left if each not in told]
        for place, release in enumerate(orphans.releases(parts) or ("",) * bool(parts)):
            mine = {release} if place else {release, ""}
            row = [each for each in parts if each.release in mine]
            yield ProgramStatus(
                host=host,
                deployment=owner,
                program=program,
                arch=seen.arch,
                release=release,
                state="orphaned",
                pid=orphans.pid(row),
                left=tuple(map(str, row)),
            )


def state(placed: ProgramFacts, current: ReleaseFacts | None, seen: HostFacts) -> str:
    """What the release that shall run does, in a word."""
    if current is not None and current.running_object:
        return "paused" if current.paused else "running"
    if unready(placed, seen):
        return "not ready"
    return "expired" if current is not None and current.expired else "stopped"


def unready(placed: ProgramFacts | None, seen: HostFacts) -> Sequence[Orphan]:
    """The loaders of the release that shall run, where none of them has said that it is ready."""
    current = placed.find(placed.current) if placed else None
    runs = current is not None and bool(current.running_object)
    return () if placed is None or runs else orphans.loaders(placed, seen)


def row_of(host: str, placed: ProgramFacts, seen: HostFacts, mirror: Path) -> ProgramStatus:
    """The status of a program that is placed."""
    current = placed.find(placed.current)
    runs = current is not None and bool(current.running_object)
    since = timestamp(current.since_ns, digits=0).rstrip(".") if current and runs else ""
    return ProgramStatus(
        host=host,
        deployment=placed.deployment,
        program=placed.program,
        arch=seen.arch,
        release=placed.current,
        state=state(placed, current, seen),
        expires_in_s=current.expires_in if current else None,
        pid=current.pid if current and runs else orphans.pid(unready(placed, seen)),
        since=since,
        spool_bytes=sum(release.spool_bytes for release in placed.releases),
        attached=current.attached if current else (),
        warnings=(*current.warnings, *skipped(current.missed)) if current else (),
        restarts=current.counts.killed if current and current.counts else 0,
        failure=failure(placed, current),
        capabilities=current.capabilities if current else (),
        missed=current.missed if current else 0,
        tally=tally.of(current.counts, below(mirror, placed.current))
        if current and current.counts
        else None,
    )


def failure(placed: ProgramFacts, current: ReleaseFacts | None) -> str:
    """Why the release that shall run does not start; of one that was never ready, too."""
    latest = current or next(reversed(placed.releases), None)
    return "" if latest is None or latest.running_object else latest.failure


def skipped(count: int) -> Iterable[str]:
    """What to say of runs that the kernel skipped: nobody saw what happened there."""
    if count:
        runs = counted(count, "run")
        yield f"the kernel skipped {runs}, as a BPF program ran on that processor already"
