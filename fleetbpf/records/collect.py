"""Collecting: the host's spool, mirrored byte for byte, so that the local size is the offset."""

import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import Annotated, BinaryIO

from pydantic import StringConstraints

from fleetbpf.defaults import DEFAULT_MIRROR_LIMIT
from fleetbpf.errors import HostError, Problem, UnreachableError
from fleetbpf.execution import Connection
from fleetbpf.files.private_files import open_file
from fleetbpf.frozen import frozen
from fleetbpf.host.failures import check_asked
from fleetbpf.host.protocol import Document, OddAnswerError, Row, Said, Script, show, validate
from fleetbpf.host.skew import Skew
from fleetbpf.limits import KIB
from fleetbpf.model.bounded import ClockOffset, Decimal, Nanosecond, Second
from fleetbpf.model.layout import HostLayout, below
from fleetbpf.model.names import NAME, is_name
from fleetbpf.records.mirror import Pace, Room
from fleetbpf.wording import counted

PAUSE = 0.01  # seconds between two tries to have a mirror for oneself
PATIENCE = 10.0  # seconds; others have it for as long as a piece is written
ONE_PASS = 0.0
COLLECT_TIMEOUT = 3600.0  # seconds; a first collection may be gigabytes
FOLLOW_TIMEOUT = 30 * 86400.0  # seconds; whoever follows longer connects again
FOLLOW_SILENCE = 20.0  # seconds; a host that is followed shows life after each interval
LONGEST_HEADER = 64 * KIB  # bytes of a segment's first line


@frozen
class Question:
    """Which spools are to be sent, and how often."""

    layout: HostLayout = HostLayout()
    deployment: str = ""  # "": of all of them
    interval: float = ONE_PASS  # seconds between two passes; ONE_PASS: no second one

    def words(self) -> tuple[str | PurePath, ...]:
        """The arguments of `collect.sh`."""
        return self.layout.root, self.deployment, f"{self.interval:g}"


class Segment(Row):
    """A line of the stream: so many bytes of a segment follow."""

    path: Annotated[str, StringConstraints(pattern=rf"^{NAME}(/{NAME}){{2}}/[0-9]{{1,20}}\.log$")]
    offset: Decimal
    size: Decimal

    @property
    def deployment(self) -> str:
        """Whose it is."""
        return self.path.partition("/")[0]


class Clock(Row):
    """The wall's clock of a host."""

    seconds: Second


class Header(Document):
    """When a segment began, by its first line; nothing where that is torn."""

    start_ns: Nanosecond | None = None
    clock_offset_ns: ClockOffset = 0


def read(question: Question, said: Said) -> Segment | None:
    """What a line of the stream of `collect.sh` announces; None: nothing, it only shows life."""
    (line,) = said.lines
    kind, _, fields = line.partition("\t")
    if line == "idle":
        return None
    if kind != "segment":
        raise OddAnswerError(f"it sends neither segments nor a sign of life: {show(line)}")
    segment = validate(Segment, fields)
    check_asked([segment.deployment], {question.deployment or segment.deployment})
    return segment


COLLECT = Script(name="collect.sh", words=Question.words, read=read, timeout=COLLECT_TIMEOUT)


@frozen
class Held:
    """A segment that is here."""

    size: int
    header: str  # the sha256 of its first line; "" while that is not whole


ABSENT = Held(size=0, header="")


def offsets(have: Mapping[str, Held]) -> bytes:
    """What is here already, as `collect.sh` takes it on its stdin."""
    return " ".join(f"{path}={each.size}:{each.header}" for path, each in have.items()).encode()


def held(mirror: Path, *, deployment: str) -> Iterator[tuple[str, Held]]:
    """The segments of a host that are here, by their paths."""
    pattern = f"{deployment or '*'}/*/*/*.log"
    for file in sorted(mirror.glob(pattern)):
        names = file.relative_to(mirror).parts
        if is_set_aside(file.parent) or not file.is_file() or not all(map(is_name, names)):
            continue
        size = file.stat().st_size
        yield str(file.relative_to(mirror)), Held(size=size, header=header_of(file))


def header_of(file: Path) -> str:
    """The sha256 of a segment's header line; "" while that is not whole."""
    with file.open("rb") as segment:
        header = segment.readline(LONGEST_HEADER)
    return hashlib.sha256(header).hexdigest() if header.endswith(b"\n") else ""


def fetch(
    connection: Connection,
    layout: HostLayout,
    mirror: Path,
    *,
    host: str,
    deployment: str = "",
    interval: float = ONE_PASS,
    become: bool = False,
    on_news: Callable[[], None] | None = None,
    on_start: Callable[[], None] = lambda: None,
    on_clock: Callable[[Skew], None] | None = None,
    limit: int = DEFAULT_MIRROR_LIMIT,
) -> int:
    """Bring the mirror of one host up to date; return the number of bytes that came.

    With an interval it goes on until the connection is cut: UnreachableError, whatever ended it.
    on_start is called when the host begins to tell, on_clock with what its clock is off, on_news
    after bytes came. Others may collect into the same mirror meanwhile.
    Raises HostError when the host cannot say what it has, the mirror cannot be written, or it
    would hold more than `limit` bytes.
    """
    with mirroring(mirror, host=host):
        with exclusive(mirror, host=host):
            have = dict(held(mirror, deployment=deployment))
        question = Question(layout=layout, deployment=deployment, interval=interval)
        room = Room.measure(mirror, host=host, limit=limit)
        receiver = Receiver(
            mirror=mirror,
            room=room,
            told=have,
            question=question,
            on_news=on_news,
            on_start=on_start,
            on_clock=on_clock,
        )
        COLLECT.stream(
            connection,
            question,
            receiver,
            host=host,
            become=become,
            stdin=offsets(have),
            more=FOLLOW_TIMEOUT if interval else 0.0,
            silence=FOLLOW_SILENCE if interval else None,
        )
    if interval:
        raise UnreachableError(Problem(where=host, what="the script that tells its records ended"))
    return receiver.received


@contextmanager
def mirroring(mirror: Path, *, host: str) -> Iterator[None]:
    """Turn what this machine's disk refuses into HostError: full, read-only, not ours."""
    try:
        yield
    except OSError as error:
        what = f"{error.filename or mirror}: {error.strerror}"
        hint = "make room or fix the folder, then run it again: it goes on where it stopped"
        raise HostError(Problem(where=host, what=what, hint=hint)) from error


@contextmanager
def exclusive(mirror: Path, *, host: str, patience: float = PATIENCE) -> Iterator[None]:
    """Hold the mirror of one host while something is written: several may collect into it."""
    deadline = time.monotonic() + patience
    with open_mirrored(mirror / ".lock", mirror, os.O_WRONLY) as lock:
        while not is_taken(lock):
            if time.monotonic() >= deadline:
                what = f"another fleetbpf holds {mirror}, and does not go on"
                hint = "is one stopped (Ctrl-Z)? `fleetbpf logs --offline` reads what there is"
                raise HostError(Problem(where=host, what=what, hint=hint))
            time.sleep(PAUSE)
        yield


def is_taken(lock: BinaryIO) -> bool:
    """Whether we have the lock now; it is given up when the file is closed."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def open_mirrored(file: Path, mirror: Path, flags: int) -> BinaryIO:
    """A file of the mirror `logs/<host>`, made where it lacks, to be written; never by a link."""
    descriptor = open_file(file, flags, below=mirror.parent.parent)
    return open(descriptor, "wb")  # noqa: PTH123 (a descriptor)


@dataclass(kw_only=True)
class Receiver:
    """Writes the stream of `collect.sh` into the mirror as it comes.

    The stream is lines (`clock SECONDS`, `segment PATH OFFSET SIZE`, `idle`), each `segment`
    followed by SIZE bytes. Whoever else collects writes the same bytes: what is there is left.
    A stream may end anywhere: what has come is written, and the next one goes on from there.
    Raises HostError when it is no such stream, or there is no room for it.
    """

    mirror: Path
    room: Room
    told: Mapping[str, Held] = field(default_factory=dict)  # what the host has been told is here
    question: Question = field(default_factory=Question)
    on_news: Callable[[], None] | None = None
    on_start: Callable[[], None] = lambda: None
    on_clock: Callable[[Skew], None] | None = None
    received: int = 0
    greeted: bool = False
    _line: bytes = b""
    _file: Path | None = None
    _left: int = 0
    _at: int = 0  # where in its segment the next byte belongs
    _ends: dict[str, int] = field(default_factory=dict, init=False)  # of what has been announced
    _news: bool = field(default=False)
    _pace: Pace = field(init=False)
    _made: float = field(default_factory=time.time, init=False)

    def __post_init__(self) -> None:
        self._pace = Pace(host=self.room.host)

    def feed(self, piece: bytes) -> None:
        """Take the next piece of the stream, cut anywhere."""
        while piece:
            piece = self.take_bytes(piece) if self._left else self.take_line(piece)
        if self._news and not self._left and self.on_news:
            self._news = False
            self.on_news()

    def take_bytes(self, piece: bytes) -> bytes:
        """Append what belongs to the current segment; return the rest."""
        mine, rest = piece[: self._left], piece[self._left :]
        if self._file is not None:
            with exclusive(self.mirror, host=self.room.host):
                self.append(self._file, mine)
        self._left -= len(mine)
        self.received += len(mine)
        self._news = True
        return rest

    def append(self, file: Path, piece: bytes) -> None:
        """Write what another collector has not written yet."""
        with open_mirrored(file, self.mirror, os.O_WRONLY | os.O_APPEND) as segment:
            size = os.fstat(segment.fileno()).st_size
            if size < self._at:
                what = f"{file} was moved or removed while it was collected"
                raise HostError(Problem(where=self.room.host, what=what, hint="try again"))
            segment.write(piece[size - self._at :])
        self._at += len(piece)

    def take_line(self, piece: bytes) -> bytes:
        """Take bytes up to the end of a line, and act on a line that is whole; return the rest."""
        head, newline, rest = piece.partition(b"\n")
        self._pace.line(len(self._line) + len(head))
        self._line += head
        if newline:
            line, self._line = self._line + newline, b""
            self.take(line)
        return rest

    def take(self, line: bytes) -> None:
        """Act on one whole line of the stream; OddAnswerError when it is none of it."""
        text = line.decode("utf-8", "backslashreplace").rstrip("\n")
        if text == COLLECT.greeting and not self.greeted:
            self.greeted = True
            self.on_start()
        if not text.startswith("segment\t"):
            self._pace.chat(line)
        if text == COLLECT.greeting or not (self.greeted or text.startswith("segment\t")):
            return  # a login shell has its say before
        if text.startswith("clock\t"):
            self.take_clock(text)
        elif segment := COLLECT.read(self.question, Said(lines=(text,))):
            self._pace.segment(segment.path, segment.size)
            self.begin(segment)

    def take_clock(self, text: str) -> None:
        """Tell how far the host's clock is from ours; it was asked when this receiver was made."""
        host_s = validate(Clock, text.partition("\t")[2]).seconds
        skew = Skew.between(host_s, sent_s=self._made, came_s=time.time())
        if self.on_clock:
            self.on_clock(skew)

    def begin(self, segment: Segment) -> None:
        """Get ready for the bytes of a segment."""
        file = below(self.mirror, *segment.path.split("/"))
        told = self.told.get(segment.path, ABSENT)
        again = segment.path in self._ends
        replaced = segment.offset == 0 and (again or told.size > 0)
        absent = sum(not path.exists() for path in (file, *file.parents[:3]))
        self.room.take(segment.size, entries=2 if replaced else absent)
        with exclusive(self.mirror, host=self.room.host):
            # Else another collector has set it aside, and writes the new one.
            if replaced and file.exists() and (again or header_of(file) == told.header):
                set_aside(file.parent)
            held = file.stat().st_size if file.exists() else 0
        expected = self._ends.get(segment.path, told.size)
        if segment.offset not in {0, expected} or segment.offset > held:
            here = f"{segment.path} has {counted(held, 'byte')} here"
            raise OddAnswerError(f"{here}, and byte {segment.offset} was sent")
        self._file, self._left, self._at = file, segment.size, segment.offset
        self._ends[segment.path] = segment.offset + segment.size


def set_aside(release: Path) -> None:
    """Keep the mirror of a spool that the host has replaced by another of the same name."""
    first = min(release.glob("*.log"))
    with first.open("rb") as segment:
        began = started_at(segment.readline(LONGEST_HEADER))
    release.rename(release.with_name(f"{release.name}@{began:%Y%m%dT%H%M%S}-{os.getpid()}"))


def is_set_aside(release: Path) -> bool:
    """Whether a mirrored spool is no longer the one that the host has."""
    return "@" in release.name


def started_at(header: bytes) -> datetime:
    """When a segment began, by its header line; now for a damaged one."""
    found = Header.within(header.decode("utf-8", "replace"))
    if found.start_ns is None:
        return datetime.now(UTC)
    return datetime.fromtimestamp((found.start_ns + found.clock_offset_ns) / 1e9, UTC)
