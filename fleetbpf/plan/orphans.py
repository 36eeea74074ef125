"""What is orphaned on a host: what of it is whose, and how people are told."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from fleetbpf.documents import digits
from fleetbpf.model.bounded import LARGEST_PID
from fleetbpf.model.facts import HostFacts, Orphan, OrphanKind, ProgramFacts
from fleetbpf.wording import listed

ADDITIONS = {OrphanKind.DROP_IN, OrphanKind.UNIT, OrphanKind.ENABLED}


def additions(placed: ProgramFacts, facts: HostFacts) -> tuple[Orphan, ...]:
    """What was added to a placed program's unit, or to that of its current release."""
    return tuple(
        found
        for found in facts.orphans_of(placed.deployment, placed.program)
        if found.kind in ADDITIONS and found.release in {"", placed.current}
    )


def loaders(placed: ProgramFacts, facts: HostFacts) -> tuple[Orphan, ...]:
    """The loaders of a placed program's current release of which no state tells."""
    return tuple(
        found
        for found in facts.orphans_of(placed.deployment, placed.program)
        if found.kind is OrphanKind.PROCESS and found.release == placed.current
    )


def without_files(found: Iterable[Orphan], *, keep: Collection[str]) -> tuple[Orphan, ...]:
    """What belongs to releases of a program other than those to keep."""
    return tuple(each for each in found if each.release and each.release not in keep)


def releases(found: Iterable[Orphan]) -> tuple[str, ...]:
    """The releases that are told of, each once."""
    return tuple(dict.fromkeys(each.release for each in found if each.release))


def spools(found: Iterable[Orphan]) -> tuple[str, ...]:
    """The releases of which records are left."""
    return releases(each for each in found if each.kind is OrphanKind.SPOOL)


def current(found: Iterable[Orphan]) -> str:
    """The release that the files of a program without releases call current; "" for none."""
    return next((each.release for each in found if each.kind is OrphanKind.FILES), "")


def by_program(found: Iterable[Orphan]) -> Mapping[tuple[str, str], Sequence[Orphan]]:
    """What is orphaned, by deployment and program; folders as a whole are none of it."""
    table: dict[tuple[str, str], list[Orphan]] = {}
    for each in found:
        if each.kind is not OrphanKind.FOLDER:
            table.setdefault((each.deployment, each.program), []).append(each)
    return table


def of_deployment(deployment: str, facts: HostFacts) -> Sequence[Orphan]:
    """What is orphaned of a deployment; of all, and of none that is known, for ""."""
    return [each for each in facts.orphans if each.deployment == deployment or not deployment]


def pid(found: Iterable[Orphan]) -> int:
    """The first loader among them; 0 where none runs."""
    pids = (digits.whole(each.what) for each in found if each.kind is OrphanKind.PROCESS)
    return next((each for each in pids if each is not None and 0 < each <= LARGEST_PID), 0)


def told(found: Iterable[Orphan]) -> str:
    """What was found, for people: "pid 12, /run/fleetbpf/…", the gravest first."""
    kinds = list(OrphanKind)
    ordered = sorted(found, key=lambda each: kinds.index(each.kind))
    return listed([str(each) for each in ordered])
