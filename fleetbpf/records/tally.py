"""What became of all that a program told on a host: the loader's counts, and what has come here."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from fleetbpf.frozen import frozen
from fleetbpf.model.facts import Counts
from fleetbpf.model.record import OF_LOADER, Kind

# Lines that are no output of the program. Text cannot look so: it stands further right.
OF_FLEETBPF = re.compile(
    rb'^\{(?:"fleetbpf":|"time":[0-9]+,"kind":"(?:%s)")'
    % "|".join(sorted(OF_LOADER | {Kind.LOST})).encode(),
    re.MULTILINE,
)


@frozen
class Tally:
    """Lines, events and read-outs of one release on one host: fired = written + all lost."""

    fired: int
    written: int  # and still on the host, or here
    lost: Mapping[str, int]  # by place; spool: not written, or removed before it was collected
    collected: int  # of what was written
    killed: int  # times that a loader ended without a stop


def of(counts: Counts, mirror: Path) -> Tally:
    """The tally of a release whose mirrored segments are in `mirror`."""
    held = dict(lines(mirror))
    gone = max(counts.removed - sum(n for number, n in held.items() if number < counts.first), 0)
    written = counts.written - gone
    lost = {**counts.lost, "spool": counts.lost.get("spool", 0) + gone}
    return Tally(
        fired=written + sum(lost.values()),
        written=written,
        lost=lost,
        # What was written since the loader counted last may be here already.
        collected=min(sum(held.values()), written),
        killed=counts.killed,
    )


def lines(mirror: Path) -> Iterator[tuple[int, int]]:
    """Each mirrored segment's number, and how much output it holds."""
    for segment in filter(Path.is_file, mirror.glob("[0-9]*.log")):
        if not segment.stem.isdecimal():
            continue
        content = segment.read_bytes()
        yield int(segment.stem), content.count(b"\n") - len(OF_FLEETBPF.findall(content))
