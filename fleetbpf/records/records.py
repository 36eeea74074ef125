"""Records: the lines of mirrored segments, read back and told to people."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from fleetbpf import quantities
from fleetbpf.errors import Problem
from fleetbpf.frozen import frozen
from fleetbpf.model.layout import below
from fleetbpf.model.record import Kind, weight
from fleetbpf.records import map_text, overlap
from fleetbpf.records.collect import is_set_aside
from fleetbpf.records.overlap import Moment
from fleetbpf.records.record_lines import record_fields
from fleetbpf.wording import counted, did_you_mean, quoted

OURS = {"time", "host", "deployment", "program", "release", "kind", "overlap", "claimed"}
UNITS = {"duration": quantities.told_duration, "bytes": quantities.told_size}
LARGEST = 2**64  # of what has a unit
PLAIN = re.compile(r'[^\s"=\[\]{}\\]+')  # without space, quote, =, [ ] { } and \


@frozen
class Record:
    """One line of output, with where it came from."""

    host: str
    deployment: str
    program: str
    release: str
    time_ns: int  # wall clock, by the offset in the segment's header
    kind: str  # a Kind, or a word that only a newer loader knows
    fields: Mapping[str, Any]
    units: Mapping[str, str] = field(default_factory=dict)  # of an event's fields, by their paths
    overlap: str = ""  # the release before, which has told the same: this one ran beside it then


@frozen
class Position:
    """How far a segment has been read, and what its lines have said on the way."""

    offset: int = 0  # bytes
    boot_id: str = ""
    clock_offset_ns: int = 0  # wall clock minus boot clock, from the header
    time: int = 0  # of the last record, boot clock; a record without a time gets it
    units: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # of rings' fields


def of_host(logs: Path, host: str, *, deployment: str = "", program: str = "") -> list[Record]:
    """All records of a host that are here, in the order of their times."""
    return Reader(logs=logs, host=host, deployment=deployment, program=program).news()


class Reader:
    """Reads the mirror of a host; each call of `news` gives what came since the last."""

    def __init__(self, *, logs: Path, host: str, deployment: str = "", program: str = "") -> None:
        self._mirror = logs / host
        self._host = host
        self._pattern = f"{deployment or '*'}/{program or '*'}/*/*.log"
        # By inode: a release that was removed and is placed anew has its segments' names again.
        self._read: dict[int, Position] = {}
        self._starts: dict[Path, tuple[Record, Moment]] = {}  # the last of each release
        self._held: dict[tuple[Path, int], int] = {}  # what segments of a size hold

    @property
    def told(self) -> frozenset[tuple[str, str]]:
        """The deployments and programs that have told something, whatever is asked for."""
        places = (path.relative_to(self._mirror).parts for path in self._mirror.glob("*/*/*/*.log"))
        return frozenset((deployment, program) for deployment, program, *_ in places)

    def news(self) -> list[Record]:
        """Records that have become whole since the last call, in the order of their times."""
        files = sorted(filter(Path.is_file, self._mirror.glob(self._pattern)))
        found: list[Record] = []
        for release, segments in groupby(files, lambda file: file.parent):
            found += self.of_release(release, tuple(segments))
        return sorted(found, key=lambda record: record.time_ns)

    def of_release(self, release: Path, segments: Sequence[Path]) -> Iterator[Record]:
        """The new records of one release, those marked that the release before told as well."""
        before = [self._starts[release]] if release in self._starts else []
        found = list(before)
        for file in segments:
            found += self.read(file, is_last=file == segments[-1] and not is_set_aside(release))
        marked = overlap.doubles(found)
        for place, (record, moment) in enumerate(found):
            if record.kind == Kind.START:
                self._starts[release] = (record, moment)
            if place >= len(before):
                yield replace(record, overlap=marked[place]) if place in marked else record

    def read(self, file: Path, *, is_last: bool) -> Iterator[tuple[Record, Moment]]:
        """The new records of one segment, with their times since boot.

        A last line without its end is still being written in the last segment; in any other it
        was cut by a kill, and is told as such.
        """
        inode = file.stat().st_ino
        position = self._read.get(inode, Position())
        with file.open("rb") as segment:
            segment.seek(position.offset)
            content = segment.read()
        *whole, rest = content.split(b"\n")
        cut = [] if is_last or not rest else [rest]
        for line in (*whole, *cut):
            fields = self.less_collected(record_fields(line), file.parent)
            position = advanced(position, fields)
            if "fleetbpf" not in fields and fields.get("count") != 0:
                moment = Moment(boot_id=position.boot_id, time=position.time)
                yield self.record(file, fields, position), moment
        read = len(content) - (0 if cut else len(rest))
        self._read[inode] = replace(position, offset=position.offset + read)

    def less_collected(self, fields: Mapping[str, Any], release: Path) -> Mapping[str, Any]:
        """A loss record less what we have: a segment that the host removed may be mirrored."""
        if fields.get("kind") != Kind.LOST or "segment" not in fields:
            return fields
        file = below(release, f"{fields['segment']:08d}.log")
        if not file.exists():
            return fields
        key = (file, file.stat().st_size)
        if key not in self._held:  # a host may tell of one again and again
            self._held[key] = held(file)
        return {**fields, "count": max(int(fields["count"]) - self._held[key], 0)}

    def record(self, file: Path, fields: Mapping[str, Any], position: Position) -> Record:
        """A record with its place, as the path of its segment tells it."""
        deployment, program, release = file.relative_to(self._mirror).parts[:3]
        return Record(
            host=self._host,
            deployment=deployment,
            program=program,
            release=release.partition("@")[0],
            time_ns=position.time + position.clock_offset_ns,
            kind=str(fields.get("kind", Kind.TORN)),
            fields={key: value for key, value in fields.items() if key not in {"time", "kind"}},
            units=position.units.get(str(fields.get("ring")), {}),
        )


def advanced(position: Position, fields: Mapping[str, Any]) -> Position:
    """The position after a line that says `fields`."""
    if "fleetbpf" in fields:
        return replace(
            position,
            boot_id=str(fields.get("boot_id", "")),
            clock_offset_ns=int(fields["clock_offset_ns"]),
            time=int(fields["start_ns"]),
            units=fields.get("units", {}),
        )
    if fields.get("kind") == Kind.CLOCK:
        position = replace(position, clock_offset_ns=int(fields["clock_offset_ns"]))
    return replace(position, time=int(fields.get("time", position.time)))


def held(segment: Path) -> int:
    """How much of a program's output a mirrored segment holds."""
    lines = map(record_fields, segment.read_bytes().split(b"\n")[:-1])
    return sum(weight(fields["kind"], fields) for fields in lines if "fleetbpf" not in fields)


def as_json(record: Record) -> dict[str, Any]:
    """A record as one flat JSON object, its time as RFC 3339 with nanoseconds.

    Where it came from is what we know, whatever it says of itself: that is under `claimed`.
    """
    own = {
        "time": timestamp(record.time_ns, digits=9) + "Z",
        "host": record.host,
        "deployment": record.deployment,
        "program": record.program,
        "release": record.release,
        "kind": record.kind,
        **({"overlap": record.overlap} if record.overlap else {}),
    }
    said = {name: value for name, value in record.fields.items() if name not in OURS}
    claimed = {name: value for name, value in record.fields.items() if name in OURS}
    return {**own, **said, **({"claimed": claimed} if claimed else {})}


def lines(record: Record) -> Iterable[str]:
    """A record as people read it."""
    head = f"{timestamp(record.time_ns, digits=6)} {record.host} {record.program}"
    head += f" (told by {record.overlap} too)" if record.overlap else ""
    return (f"{head} {text}" for text in texts(record.kind, in_units(record)))


def in_units(record: Record) -> Mapping[str, Any]:
    """The fields of a record for people: durations and sizes with their units."""
    if not record.units or "data" not in record.fields:
        return record.fields
    return {**record.fields, "data": with_units(record.fields["data"], "", record.units)}


def with_units(value: object, path: str, units: Mapping[str, str]) -> object:
    """A value, or all that is in it, by the units of the fields' paths; arrays have none."""
    match value:
        case dict():
            return {k: with_units(v, f"{path}.{k}".lstrip("."), units) for k, v in value.items()}
        case list():
            return [with_units(each, path, units) for each in value]
        case int() if abs(value) < LARGEST:
            if units.get(path) not in UNITS:
                return value
            return quantities.in_a_word(UNITS[units[path]](value))
        case _:
            return value


def texts(kind: str, fields: Mapping[str, Any]) -> Iterable[str]:
    """What a record says, without where and when."""
    match kind:
        case Kind.TRACE:
            place = f"{fields.get('comm')}-{fields.get('pid')} [{fields.get('cpu', 0):03d}]"
            # Without our label it may be a line of another program that prints on that host.
            place += " (shared)" if fields.get("shared") else ""
            return (f"{place} {fields.get('text', '')}",)
        case Kind.EVENT:
            return (f"{fields.get('struct', fields.get('ring'))} {event_text(fields)}",)
        case Kind.ITER:
            return (f"{fields.get('function')} {fields.get('text')}",)
        case Kind.MAP:
            return map_text.lines(fields)
        case _:
            return texts_of_loader(kind, fields)


def unknown(readers: Sequence[Reader], deployment: str, program: str) -> Problem | None:
    """What is asked for by name and has told nothing on any host."""
    told = {place for reader in readers for place in reader.told}
    deployments = sorted({each for each, _ in told})
    if deployment and deployment not in deployments:
        what = f"no host has told anything of the deployment {quoted(deployment)}"
        hint = did_you_mean(deployment, deployments, noun="deployments")
        return Problem(where="--deployment", what=what, hint=hint)
    programs = sorted({each for of, each in told if deployment in {"", of}})
    if program and program not in programs:
        what = f"no host has told anything of the program {quoted(program)}"
        hint = did_you_mean(program, programs, noun="programs")
        return Problem(where="--program", what=what, hint=hint)
    return None


def texts_of_loader(kind: str, fields: Mapping[str, Any]) -> Iterable[str]:
    """What a record says of the loader itself, and of what is missing."""
    match kind:
        case Kind.START:
            links = ", ".join(
                f"{link['function']} on {link['hook']}" for link in fields.get("attached", ())
            )
            head = f"-- started ({fields.get('reason')}), pid {fields.get('pid')}: {links}"
            return (head, *(f"-- warning: {said}" for said in fields.get("warnings", ())))
        case Kind.STOP:
            counts = f"{fields.get('written', 0)} written, {fields.get('lost', 0)} lost"
            return (f"-- stopped ({fields.get('reason')}): {counts}",)
        case Kind.LOST:
            why = f", {fields['why']}" if fields.get("why") else ""
            return (f"-- LOST {fields.get('count')} in the {fields.get('place')}{why}",)
        case Kind.HANDOFF:
            return (f"-- took over from {fields.get('from')}, which told all before",)
        case Kind.CLOCK:
            return ("-- the clock was set: times from here on are by the new one",)
        case Kind.TORN:
            length = fields.get("bytes")
            held = counted(length, "byte") if isinstance(length, int) else f"{length} bytes"
            if "why" in fields:
                return (f"-- LOST 1, {held} that are {fields['why']}",)
            return (f"-- LOST 1, cut off by a kill after {held}",)
        case _:
            return (f"{kind} {json.dumps(dict(fields), ensure_ascii=False)}",)


def event_text(fields: Mapping[str, Any]) -> str:
    """An event's fields as `name=value` in one line; the bytes of a record that is none."""
    if "odd" in fields:
        return f"-- no such struct: {fields['odd']}"
    pairs = [f"{name}={inline(value)}" for name, value in dict(fields.get("data", {})).items()]
    if "rest" in fields:
        pairs.append(f"-- and {fields['rest']}")
    return " ".join(pairs)


def inline(value: object) -> str:
    """A value that ends where it seems to: text with spaces, quotes or controls is quoted."""
    if isinstance(value, str) and value.isprintable() and PLAIN.fullmatch(value):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def timestamp(time_ns: int, *, digits: int) -> str:
    """A wall clock time in UTC with `digits` decimals: 2026-11-22T12:00:00.123456."""
    seconds, fraction = divmod(time_ns, 1_000_000_000)
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{fraction:09d}"[: 20 + digits]
