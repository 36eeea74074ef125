"""The kinds of records: each one's word, and what a line of it stands for.

`runtime/spool/record.h` is the same list for loaders; `tests/unit/test_record_kinds.py` compares
the two.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What a record tells, the word that stands in its `kind`."""

    TRACE = "trace"  # a line that a program printed
    EVENT = "event"  # a record of a ring
    ITER = "iter"  # a line of an iterator
    MAP = "map"  # what a map holds
    LOST = "lost"  # output that nobody will see
    START = "start"  # a loader has started
    STOP = "stop"  # it has ended
    HANDOFF = "handoff"  # it took over from another release
    CLOCK = "clock"  # the wall clock was set
    TORN = "torn"  # made where records are read: in place of one that a kill cut, or that is none


OF_LOADER = frozenset({Kind.START, Kind.STOP, Kind.HANDOFF, Kind.CLOCK})  # no output of a program
LOSSES = frozenset({Kind.LOST, Kind.TORN})


def weight(kind: str, fields: Mapping[str, Any]) -> int:
    """How much of a program's output a record stands for, as its loader counts it.

    A line of a kind that is not known is output, as every line is that a loader does not write for
    itself.
    """
    if kind in OF_LOADER:
        return 0
    return int(fields["count"]) if kind == Kind.LOST else 1
