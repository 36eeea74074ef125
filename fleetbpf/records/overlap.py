"""Overlap: which records a release wrote while the one before it still told the same events."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from fleetbpf.frozen import frozen
from fleetbpf.model.record import OF_LOADER, Kind


class Told(Protocol):
    """What is asked of a record."""

    @property
    def kind(self) -> str:
        """Such as event or start."""

    @property
    def fields(self) -> Mapping[str, Any]:
        """All else that it says."""


@frozen
class Moment:
    """When a record was written: boot, and nanoseconds of that boot's clock."""

    boot_id: str
    time: int


def doubles(found: Sequence[tuple[Told, Moment]]) -> dict[int, str]:
    """The places of records that another release has told as well, with that release.

    `found` are the records of one release as they lie in its spool. A `handoff` record is for those
    before it, of the starts since the other release spoke; of lines their own time decides.
    """
    marked: dict[int, str] = {}
    last = 0  # of a handoff: what is before it, that one was for
    for place, (record, moment) in enumerate(found):
        if record.kind == Kind.HANDOFF:
            release, at = str(record.fields["from"]), int(record.fields["at"])
            since = int(record.fields["since"])
            for index in beside(found, range(last, place), moment.boot_id, since=since):
                told, when = found[index]
                if told.kind not in OF_LOADER and (told.kind != Kind.TRACE or when.time < at):
                    marked[index] = release
            last = place + 1
    return marked


def beside(
    found: Sequence[tuple[Told, Moment]], places: range, boot_id: str, *, since: int
) -> range:
    """The last of `places`: all that the starts of this boot since that time wrote."""
    first = places.stop
    for place in reversed(places):
        record, moment = found[place]
        if moment.boot_id != boot_id or (record.kind == Kind.START and moment.time < since):
            break
        if record.kind == Kind.START:
            first = place
    return range(first, places.stop)
