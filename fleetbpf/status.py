"""Status: a host's facts, told as what runs there."""

from collections.abc import Iterable
from pathlib import Path

from fleetbpf import facts, tally
from fleetbpf.connections import Connection
from fleetbpf.frozen import frozen
from fleetbpf.layout import HostLayout, below
from fleetbpf.model.facts import HostFacts, Lock, ProgramFacts, ReleaseFacts
from fleetbpf.model.target import Target
from fleetbpf.records import timestamp
from fleetbpf.tally import Tally
from fleetbpf.wording import counted


@frozen
class ProgramStatus:
    """One program on one host."""

    host: str
    program: str
    arch: str  # of the host: uname -m
    release: str = ""
    state: str  # running, stopped, expired, absent
    expires_in_s: float | None = None  # negative: it is past; None: never
    pid: int = 0  # of the loader; 0 when it does not run
    since: str = ""  # UTC, to the second
    spool_bytes: int = 0  # of all releases
    attached: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()  # that the running loader keeps
    missed: int = 0  # runs that the kernel skipped since the loader started
    tally: Tally | None = None  # of that release since its first start


@frozen
class HostStatus:
    """What one host says of a deployment."""

    programs: tuple[ProgramStatus, ...]
    lock: Lock | None = None


@frozen
class Status:
    """One run of status: the same for every host."""

    deployment: str
    logs: Path  # the mirrors of all hosts
    layout: HostLayout = HostLayout()

    def of(self, target: Target, connection: Connection) -> HostStatus:
        """What one host says of each program: declared ones first, then others that are there."""
        host = target.host.name
        seen = facts.ask(
            connection,
            self.layout.at(target.host.root),
            host=host,
            deployment=self.deployment,
            become=target.become,
            wishes=(facts.SPOOLS, facts.MISSES),
        )
        declared = [program.name for program in target.programs]
        mirror = below(self.logs / host, self.deployment)
        programs = tuple(rows(host, self.deployment, declared, seen, mirror))
        return HostStatus(programs=programs, lock=seen.lock)


def rows(
    host: str, deployment: str, declared: Iterable[str], seen: HostFacts, mirror: Path
) -> Iterable[ProgramStatus]:
    """A row for each declared program, and for each that is there all the same."""
    placed = [found.program for found in seen.programs if found.deployment == deployment]
    for name in dict.fromkeys((*declared, *placed)):
        found = seen.find(deployment, name)
        if found is None:
            yield ProgramStatus(host=host, program=name, arch=seen.arch, state="absent")
        else:
            yield row(host, found, seen.arch, below(mirror, name))


def state(current: ReleaseFacts | None) -> str:
    """What the release that shall run does, in a word."""
    if current is not None and current.running_object:
        return "running"
    return "expired" if current is not None and current.expired else "stopped"


def row(host: str, placed: ProgramFacts, arch: str, mirror: Path) -> ProgramStatus:
    """The status of a program that is placed."""
    current = placed.find(placed.current)
    runs = current is not None and bool(current.running_object)
    since = timestamp(current.since_ns, digits=0).rstrip(".") if current and runs else ""
    return ProgramStatus(
        host=host,
        program=placed.program,
        arch=arch,
        release=placed.current,
        state=state(current),
        expires_in_s=current.expires_in if current else None,
        pid=current.pid if current and runs else 0,
        since=since,
        spool_bytes=sum(release.spool_bytes for release in placed.releases),
        attached=current.attached if current else (),
        warnings=(*current.warnings, *skipped(current.missed)) if current else (),
        capabilities=current.capabilities if current else (),
        missed=current.missed if current else 0,
        tally=tally.of(current.counts, below(mirror, placed.current))
        if current and current.counts
        else None,
    )


def skipped(count: int) -> Iterable[str]:
    """What to say of runs that the kernel skipped: nobody saw what happened there."""
    if count:
        runs = counted(count, "run")
        yield f"the kernel skipped {runs}, as a BPF program ran on that processor already"
