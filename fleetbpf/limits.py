"""What a command may take of the machine that runs fleetbpf: bytes, and seconds of silence."""

import math
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from fleetbpf.frozen import frozen
from fleetbpf.quantities import told_size

KIB, MIB = 1024, 1024 * 1024
LINES = 1_000_000  # of an answer: taken apart, each takes some 100 bytes, however short it is


class ExcessError(Exception):
    """Somebody gave more than is taken of it; the text is what was given, and the limit."""


@frozen
class Limits:
    """The most that one command may say, and how long it may say nothing."""

    stdout: float = 256 * MIB  # bytes; infinite where whoever takes them counts by itself
    stderr: float = 16 * MIB  # bytes
    silence: float = 600.0  # seconds without a byte in either direction
    lines: float = math.inf  # of standard output

    def patient(self, seconds: float) -> "Limits":
        """The same for a command that waits so much longer on purpose."""
        return replace(self, silence=self.silence + seconds)


# A tool of this machine, such as a compiler.
TOOL = Limits()
# The scripts of host/. An answer's honest size grows with the programs on a host: thousands fit.
SCRIPTS: Mapping[str, Limits] = MappingProxyType(
    {
        "facts.sh": Limits(stdout=8 * MIB, stderr=MIB, silence=60.0, lines=LINES),
        "survey.sh": Limits(stdout=4 * MIB, stderr=MIB, silence=60.0, lines=LINES),
        "history.sh": Limits(stdout=8 * MIB, stderr=MIB, silence=60.0, lines=LINES),
        "unlock.sh": Limits(stdout=MIB, stderr=MIB, silence=60.0, lines=LINES),
        "inspect.sh": Limits(stdout=16 * MIB, stderr=MIB, silence=60.0, lines=LINES),
        "maps.sh": Limits(stdout=16 * MIB, stderr=MIB, silence=60.0, lines=LINES),
        # A verifier may think for minutes, and its log of one program have 16 MiB.
        "activate.sh": Limits(stdout=32 * MIB, stderr=MIB, silence=900.0, lines=LINES),
        "check.sh": Limits(stdout=32 * MIB, stderr=MIB, silence=900.0, lines=LINES),
        # What it brings is counted by the mirror (mirror.Room).
        "collect.sh": Limits(stdout=math.inf, stderr=MIB, silence=120.0),
    }
)
# What a host is asked for by a word of its own: a file's content.
FILE = Limits(stdout=64 * MIB, stderr=MIB, silence=60.0)


class Meter:
    """Counts the pieces of one stream until there is more of it than there may be."""

    def __init__(self, limit: float, *, lines: float = math.inf, stream: str) -> None:
        self._left = self._limit = limit
        self._lines_left = self._lines = lines
        self._stream = stream

    def count(self, piece: bytes) -> None:
        """Count a piece; ExcessError when it is too much."""
        self._left -= len(piece)
        if self._left < 0:
            raise self._excess(told_size(int(self._limit)))
        if self._lines != math.inf:
            self._lines_left -= piece.count(b"\n")
        if self._lines_left < 0:
            raise self._excess(f"{self._lines:.0f} lines")

    def _excess(self, limit: str) -> ExcessError:
        return ExcessError(f"said more than {limit} on {self._stream}, the most that is taken")
