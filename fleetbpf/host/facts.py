"""Facts of a host: one command that asks, one pure function that reads the answer."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath

from fleetbpf.errors import HostError, Problem
from fleetbpf.execution import Connection
from fleetbpf.frozen import frozen
from fleetbpf.host.facts_answer import (
    About,
    Answer,
    CountsFile,
    DeadlineRow,
    Manifest,
    OrphanRow,
    Program,
    Release,
    State,
)
from fleetbpf.host.failures import check_asked
from fleetbpf.host.protocol import OddAnswerError, Said, Script
from fleetbpf.model.architecture import Architecture
from fleetbpf.model.facts import (
    Counts,
    HostFacts,
    Orphan,
    ProgramFacts,
    ReleaseFacts,
    Unfit,
)
from fleetbpf.model.layout import HostLayout
from fleetbpf.model.origin import Origin

UNITS = "units"  # the wish for their text
SPOOLS = "spools"  # the wish for their sizes
SUMS = "sums"  # the wish for checksums of running loaders, which nobody can write to
MOUNTS = "mounts"  # the wish for what is unfit though programs run there
MISSES = "misses"  # the wish for how often the kernel did not run a program
THOROUGH = "thorough"  # the wish for what costs more to find: failed units, folders, other names
CLOCK = "clock"  # the wish for the wall's, in seconds
OF_WISHES = {
    "clock": CLOCK,
    "unit": UNITS,
    "spool": SPOOLS,
    "missed": MISSES,
}  # rows that are told if they are asked for


# The file `deadline`: when by the wall's clock, in which boot, and when by that boot's own clock.
DEADLINE = re.compile(r"(?P<at>[0-9]{1,12}) (?P<boot>[0-9a-z-]{1,36}) (?P<up>[0-9]{1,12})")
UPTIME = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?(?= |$)")
SECONDS = re.compile(r"[0-9]{1,12}")


@frozen
class Question:
    """What a host is asked for."""

    layout: HostLayout = HostLayout()
    deployment: str = ""  # "": all of them
    wishes: Sequence[str] = ()  # UNITS, SPOOLS, …; what hooks need and may be not there

    def words(self) -> Iterable[str | PurePath]:
        """The arguments of `facts.sh`."""
        places = (self.layout.root, self.layout.run, self.layout.units)
        return (*places, self.deployment, *self.wishes)


def ask(
    connection: Connection,
    layout: HostLayout,
    *,
    host: str,
    deployment: str = "",
    become: bool = False,
    wishes: Sequence[str] = (),
) -> HostFacts:
    """Ask a host; raises HostError when it will not or cannot answer, UnreachableError too."""
    question = Question(layout=layout, deployment=deployment, wishes=wishes)
    found = FACTS.ask(connection, question, host=host, become=become)
    HostError.raise_if_any(unusable(found, host=host))
    return found


def unusable(facts: HostFacts, *, host: str) -> Iterable[Problem]:
    """Why nothing can be done on this host at all."""
    if facts.missing:
        what = f"lacks {', '.join(facts.missing)}"
        yield Problem(where=host, what=what, hint="install coreutils, tar, gzip and sed there")
    if facts.uid != 0:
        yield Problem(
            where=host,
            what=f"commands run there as uid {facts.uid}, not as root",
            hint="set `become: true` in the play, or fleetbpf_become: true for the host",
        )


def architecture(facts: HostFacts, *, host: str) -> Architecture:
    """What loaders for a host are built for; HostError when it is none of ours."""
    found = Architecture.of_machine(facts.arch)
    if found is None:
        what = f"there are no loaders for its machine, {facts.arch or 'which it does not tell'}"
        hint = f"leave it out of the play; fleetbpf builds for {' and '.join(Architecture)}"
        raise HostError(Problem(where=host, what=what, hint=hint))
    return found


def read(question: Question, said: Said) -> HostFacts:
    """The facts in the answer of `facts.sh`; OddAnswerError where it is not valid."""
    answer = Answer.read(said.lines)
    check_asked_for(question, answer)
    check_placed(answer)
    return HostFacts(
        uid=-1 if answer.uid is None else answer.uid,
        kernel=answer.kernel,
        arch=answer.arch,
        boot_id=answer.boot_id,
        btf=bool(answer.btf),
        tracefs=answer.tracefs,
        systemd=bool(answer.systemd),
        zstd=bool(answer.zstd),
        missing=answer.missing,
        objects=frozenset(answer.object),
        programs=programs(answer),
        lock=answer.lock,
        # A file system without blocks, as the first one after a boot, does not tell.
        free=answer.disk.free * answer.disk.size if answer.disk and answer.disk.blocks else None,
        absent=frozenset(answer.absent),
        unfit=unfit(answer),
        origins=dict(origins(answer)),
        changed=answer.changed,
        orphans=tuple(map(orphan, answer.orphan)),
        clock=answer.clock,
    )


def orphan(row: OrphanRow) -> Orphan:
    """What was found without a release that it belongs to."""
    return Orphan(
        kind=row.kind,
        deployment=row.deployment,
        program=row.program,
        release=row.release,
        what=row.what,
    )


def unfit(answer: Answer) -> Mapping[Unfit, str]:
    """What keeps loaders from being started, of what is known here; and where."""
    return {kind: answer.unfit[kind.value,] for kind in Unfit if (kind.value,) in answer.unfit}


def check_asked_for(question: Question, answer: Answer) -> None:
    """Raise OddAnswerError when something is told that nobody wished to know."""
    for kind, wish in OF_WISHES.items():
        if getattr(answer, kind) and wish not in question.wishes:
            raise OddAnswerError(f"{kind}: nobody asked for it")
    check_asked(answer.absent, set(question.wishes))
    for deployment, *_ in (*answer.program, *answer.manifest):
        check_asked([deployment], {question.deployment or deployment})


def check_placed(answer: Answer) -> None:
    """Raise OddAnswerError when more is told of something than that it is placed."""
    programs = {*answer.unit, *(place[:2] for place in answer.release)} - answer.program.keys()
    releases = answer.places() - answer.release.keys()
    for place in (*programs, *releases):
        raise OddAnswerError(f"it tells of {'/'.join(place)}, which is not placed there")


def origins(answer: Answer) -> Iterable[tuple[str, Origin]]:
    """The manifest of each deployment; none where its file is torn."""
    for (deployment,), row in answer.manifest.items():
        if row != Manifest():
            yield deployment, Origin(**row.model_dump())


def programs(answer: Answer) -> tuple[ProgramFacts, ...]:
    """What is placed."""
    releases: dict[Program, list[ReleaseFacts]] = {}
    for each in answer.release:
        releases.setdefault(each[:2], []).append(release(each, answer))
    return tuple(program(place, answer, releases.get(place, ())) for place in answer.program)


def program(place: Program, answer: Answer, releases: Iterable[ReleaseFacts]) -> ProgramFacts:
    """One program with what is placed of it."""
    row = answer.program[place]
    return ProgramFacts(
        deployment=place[0],
        program=place[1],
        current=row.current,
        unit_sha256=row.unit_sha256,
        unit=answer.unit.get(place),
        releases=tuple(releases),
    )


def release(place: Release, answer: Answer) -> ReleaseFacts:
    """One release with all that is told of it."""
    row, running = answer.release[place], answer.running.get(place)
    about, state = answer.about.get(place, About()), running.state if running else State()
    failure, counted = answer.failure.get(place), answer.counts.get(place)
    deadline = answer.deadline.get(place)
    return ReleaseFacts(
        release=place[2],
        object=row.object,
        loader_sha256=row.loader_sha256,
        spool_bytes=answer.spool.get(place, 0),
        args=answer.args.get(place, ()),
        build_key=about.build_key,
        inputs=about.inputs,
        limits=about.limits,
        types=about.types,
        enabled=place in answer.enabled,
        running_object=running.object if running else "",
        paused=place in answer.paused,
        remains=place in answer.remains,
        expires_in=left(deadline, answer.boot_id) if deadline else None,
        failure=failure.message if failure else "",
        attached=tuple(f"{link.function} on {link.hook}" for link in state.attached),
        since_ns=state.since_ns,
        pid=state.pid,
        warnings=state.warnings,
        capabilities=state.capabilities,
        missed=answer.missed.get(place, 0),
        counts=counts(counted) if counted else None,
    )


def left(row: DeadlineRow, boot_id: str) -> float | None:
    """The seconds to a deadline: by the clock of the boot that granted it, else by the wall's.

    None where its file is torn, or was written by a person.
    """
    deadline = DEADLINE.fullmatch(row.deadline)
    uptime = UPTIME.match(row.uptime)
    if not deadline or not uptime or not SECONDS.fullmatch(row.wall):
        return None
    if deadline["boot"] != boot_id:
        return float(int(deadline["at"]) - int(row.wall))
    return int(deadline["up"]) - float(uptime[0])


def counts(file: CountsFile) -> Counts:
    """What a loader's `counts` file says."""
    return Counts(
        written=file.written,
        lost=file.lost,
        killed=file.killed,
        first=file.first,
        removed=file.removed,
    )


FACTS = Script(
    name="facts.sh",
    words=Question.words,
    read=read,
    after=("lock.sh", "ours.sh"),
    before="unpack.sh",
    stays=True,
)
