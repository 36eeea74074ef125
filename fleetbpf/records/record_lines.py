"""One line of a segment: what each kind of record must hold, and what is told in place of others.

A line that is none of these is `torn`: it is shown, and counted as one record lost.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    FailFast,
    Field,
    Strict,
    ValidationError,
    model_validator,
)
from pydantic_core import from_json

from fleetbpf.model.bounded import LARGEST_PID, MOST, ClockOffset, Count, Line, Nanosecond, Pid
from fleetbpf.model.record import Kind

Bound = Annotated[int, Field(strict=True, ge=-MOST, le=2 * MOST)]
Bucket = Annotated[tuple[Bound, Bound, Count], Strict(strict=False)]
LONGEST = 16 * 2**20  # bytes of a record
LARGEST_SEGMENT = 2**32 - 1  # its number
Fields = Mapping[str, Any]


class Shape(BaseModel):
    """What is read of a line; whatever else it holds is shown as it is."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", defer_build=True)


class Header(Shape):
    """The first line of a segment."""

    boot_id: Line = ""
    clock_offset_ns: ClockOffset
    start_ns: Nanosecond
    units: dict[str, dict[str, str]] = {}


class Record(Shape):
    """Any record: one of a kind that is not known here is told as it is."""

    kind: str
    time: Nanosecond = 0  # without one it has that of the record before


class Trace(Record):
    """A line that a program printed."""

    cpu: Count = 0
    pid: int = Field(default=0, ge=-LARGEST_PID, le=LARGEST_PID)
    comm: str = ""
    text: str = ""


class Event(Record):
    """A record of a ring."""

    ring: str = ""
    struct: str = ""
    data: dict[str, Any] = {}
    odd: str = ""
    rest: str = ""


class Iter(Record):
    """A line of an iterator."""

    function: str = ""
    text: str = ""


class Linear(Shape):
    """A histogram of slots that are equally wide."""

    linear: Count


class Entry(Shape):
    """An entry of a map: a value, or the buckets of a histogram."""

    key: Any
    value: Any = None
    buckets: Annotated[list[Bucket], FailFast()] = []
    stacks: dict[str, list[str] | None] = {}


class Map(Record):
    """What a map holds."""

    map: str
    entries: Annotated[list[Entry], FailFast()]
    histogram: str | Linear | None = None
    failed: str = ""

    @model_validator(mode="after")
    def whole(self) -> Self:
        """Every entry has a value; in a histogram it may have buckets instead."""
        either = {"value", "buckets"} if "histogram" in self.model_fields_set else {"value"}
        if not all(entry.model_fields_set & either for entry in self.entries):
            raise ValueError("an entry without a value")
        return self


class Link(Shape):
    """What a function is attached to."""

    function: str
    hook: str


class Start(Record):
    """A loader has started."""

    reason: str = ""
    pid: Pid = 0
    attached: Annotated[list[Link], FailFast()] = []
    warnings: Annotated[list[str], FailFast()] = []


class Stop(Record):
    """A loader has ended."""

    reason: str = ""
    written: Count = 0
    lost: Count = 0


class Lost(Record):
    """Records that nobody will see."""

    place: str
    why: str = ""  # where the place does not say it
    count: Count
    since: Nanosecond = 0
    segment: int = Field(default=0, ge=0, le=LARGEST_SEGMENT)


class Handoff(Record):
    """A release took over from another one."""

    release: str = Field(alias="from")
    since: Nanosecond
    at: Nanosecond


class Clock(Record):
    """The wall clock was set."""

    clock_offset_ns: ClockOffset


SHAPES: Mapping[str, type[Record]] = {
    Kind.TRACE: Trace,
    Kind.EVENT: Event,
    Kind.ITER: Iter,
    Kind.MAP: Map,
    Kind.LOST: Lost,
    Kind.START: Start,
    Kind.STOP: Stop,
    Kind.HANDOFF: Handoff,
    Kind.CLOCK: Clock,
}


def record_fields(line: bytes | str) -> Fields:
    """The JSON object in a line; a torn record for anything else, and for what is no record."""
    if len(line) > LONGEST:
        return {**torn(line), "why": "no record of fleetbpf"}
    try:
        fields = from_json(line, allow_inf_nan=False)
    except ValueError:
        return torn(line)
    if not isinstance(fields, dict):
        return torn(line)
    try:
        shape(fields).model_validate(fields)
    except ValidationError:
        return {**torn(line), "why": "no record of fleetbpf"}
    return fields


def shape(fields: Fields) -> type[Shape]:
    """What a line must hold."""
    if "fleetbpf" in fields:
        return Header
    kind = fields.get("kind")
    return SHAPES.get(kind, Record) if isinstance(kind, str) else Record


def torn(line: bytes | str) -> Fields:
    """What is told in place of a record that a kill cut short."""
    return {"kind": Kind.TORN, "bytes": len(line)}
