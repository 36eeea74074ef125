"""The answer of `facts.sh`: its rows, and what the files of releases hold."""

from collections.abc import Mapping
from typing import Annotated, TypeVar

from pydantic import BeforeValidator, Field, PlainValidator

from fleetbpf.host.lock import read_line
from fleetbpf.host.protocol import Document, Row, Rows
from fleetbpf.model.bounded import (
    Count,
    Decimal,
    Line,
    Lines,
    Many,
    Name,
    NameOrNone,
    Nanosecond,
    Pid,
    Second,
    Word,
    tabulate,
    take_one,
)
from fleetbpf.model.facts import Lock, OrphanKind

V = TypeVar("V")
Once = BeforeValidator(take_one)
Program = tuple[Name, Name]  # deployment, program
Release = tuple[Name, Name, Name]  # the same, and the release
ByDeployment = Annotated[
    Mapping[tuple[Name], V],
    BeforeValidator(tabulate(1, most=1_000)),
    Field(default_factory=dict),
]
ByProgram = Annotated[
    Mapping[Program, V],
    BeforeValidator(tabulate(2, most=1_000)),
    Field(default_factory=dict),
]
ByRelease = Annotated[
    Mapping[Release, V],
    BeforeValidator(tabulate(3, most=10_000)),
    Field(default_factory=dict),
]


class Link(Document):
    """A function of a running loader and what it is attached to."""

    function: Line = ""
    hook: Line = ""


class State(Document):
    """What a running loader says of itself."""

    pid: Pid = 0
    since_ns: Nanosecond = 0
    attached: Many[Link] = ()
    warnings: Many[Line] = ()
    capabilities: Many[Word] = ()


class CountsFile(Document):
    """What became of all that a release told."""

    written: Count = 0
    lost: Mapping[Word, Count] = {}
    killed: Count = 0
    first: Count = 0
    removed: Count = 0


class About(Document):
    """What a release was made from."""

    build_key: Line = ""
    inputs: Mapping[Line, Line] = {}
    limits: Mapping[Line, Line] = {}
    types: Many[Line] = ()


class Manifest(Document):
    """Which manifest a deployment is of."""

    id: Line = ""
    repository: Line = ""
    path: Line = ""
    file: Line = ""
    who: Line = ""


class Failure(Document):
    """Why a loader did not start."""

    stage: Word = ""
    message: Line = ""
    hint: Line = ""


class Disk(Row):
    """The room where loaders are to lie."""

    blocks: Decimal
    free: Decimal
    size: Decimal  # bytes of a block


class ProgramRow(Row):
    """A program that is placed."""

    current: NameOrNone
    unit_sha256: Word


class ReleaseRow(Row):
    """A release that is placed."""

    object: Word
    loader_sha256: Word


class DeadlineRow(Row):
    """When a release ends by itself, and the clocks of the host, as its files have them."""

    deadline: Word
    wall: Word
    uptime: Word


class RunningRow(Row):
    """A release that runs."""

    object: Word
    state: Annotated[State, BeforeValidator(State.within)]


class OrphanRow(Row):
    """Something that belongs to no placed release."""

    kind: OrphanKind
    deployment: NameOrNone
    program: NameOrNone
    release: NameOrNone
    what: Line


class Answer(Rows):
    """All rows of an answer."""

    uid: Annotated[Decimal | None, Once] = None
    kernel: Annotated[Word, Once] = ""
    arch: Annotated[Word, Once] = ""
    boot_id: Annotated[Word, Once] = ""
    btf: Many[Word] = ()
    tracefs: Annotated[Word, Once] = ""
    systemd: Many[Word] = ()
    zstd: Many[Word] = ()
    missing: Many[Word] = ()
    lock: Annotated[Lock | None, PlainValidator(read_line), Once] = None
    disk: Annotated[Disk | None, Once] = None
    absent: Many[Line] = ()
    unfit: Annotated[
        Mapping[tuple[Word], Line],
        BeforeValidator(tabulate(1, most=10)),
        Field(default_factory=dict),
    ]
    changed: Annotated[Line, Once] = ""
    clock: Annotated[Second | None, Once] = None
    manifest: ByDeployment[Annotated[Manifest, BeforeValidator(Manifest.within)]]
    object: Many[Word] = ()
    program: ByProgram[ProgramRow]
    unit: ByProgram[Lines]
    release: ByRelease[ReleaseRow]
    args: ByRelease[Lines]
    about: ByRelease[Annotated[About, BeforeValidator(About.within)]]
    counts: ByRelease[Annotated[CountsFile, BeforeValidator(CountsFile.within)]]
    failure: ByRelease[Annotated[Failure, BeforeValidator(Failure.within)]]
    deadline: ByRelease[DeadlineRow]
    running: ByRelease[RunningRow]
    enabled: ByRelease[Line]
    remains: ByRelease[Line]
    spool: ByRelease[Decimal]
    missed: ByRelease[Decimal]
    paused: ByRelease[Decimal]
    orphan: Annotated[Many[OrphanRow], Field(max_length=10_000)] = ()

    def places(self) -> frozenset[Release]:
        """The releases that any row tells more of."""
        told = (self.args, self.about, self.counts, self.failure, self.deadline)
        more = (self.running, self.paused, self.enabled, self.remains, self.spool, self.missed)
        return frozenset(place for rows in (*told, *more) for place in rows)
