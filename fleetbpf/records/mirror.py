"""What a host may take of this machine while it is mirrored: of its disk, and of its patience."""

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from fleetbpf.errors import HostError, Problem
from fleetbpf.limits import KIB
from fleetbpf.quantities import told_size

# Bytes of a mirror's limit for each of its files and folders: segments are 4 MiB, but a program
# that ends again and again leaves smaller ones.
BYTES_PER_ENTRY = 64 * 1024
LONGEST_LINE = 4 * KIB  # bytes of a line between segments; a path has at most 1 KiB
# Bytes of other lines (`idle`, what a login shell says first): at once, and for each second.
CHATTER, CHATTER_PER_SECOND = 64 * KIB, KIB
HINT = "move old releases out of the folder, or set a higher mirror_limit in fleetbpf.yml"


@dataclass(kw_only=True)
class Room:
    """What is left of a mirror's limit; counts what is taken."""

    host: str
    folder: Path
    limit: int  # bytes
    bytes: int  # left
    entries: int  # left: files and folders

    @classmethod
    def measure(cls, folder: Path, *, host: str, limit: int) -> "Room":
        """The room beside what is in the mirror already."""
        taken = entries = 0
        for place, folders, files in os.walk(folder):
            entries += len(folders) + len(files)
            taken += sum(os.lstat(os.path.join(place, file)).st_size for file in files)  # noqa: PTH118 — a Path for each would cost more than the stat
        most = limit // BYTES_PER_ENTRY
        return cls(
            host=host, folder=folder, limit=limit, bytes=limit - taken, entries=most - entries
        )

    def take(self, size: int, *, entries: int) -> None:
        """Take room; HostError when there is not enough, and nothing has been written then."""
        self.bytes -= size
        self.entries -= entries
        limit = f"mirror_limit ({told_size(self.limit)})"
        if self.bytes < 0:
            what = f"{self.folder} would hold more than {limit} allows"
            raise HostError(Problem(where=self.host, what=what, hint=HINT))
        if self.entries < 0:
            most = self.limit // BYTES_PER_ENTRY
            what = f"{self.folder} would have more than {most} files and folders: {limit}"
            raise HostError(Problem(where=self.host, what=what, hint=HINT))


@dataclass(kw_only=True)
class Pace:
    """What a stream of segments may hold beside their bytes; HostError when it holds more."""

    host: str
    _sent: set[str] = field(default_factory=set)  # paths of this pass: each comes once in it
    _chatter: int = 0  # bytes
    _began: float = field(default_factory=time.monotonic)

    def line(self, size: int) -> None:
        """A line has so many bytes by now."""
        if size > LONGEST_LINE:
            raise self.wrong(f"a line of more than {LONGEST_LINE} bytes")

    def chat(self, line: bytes) -> None:
        """A line that announces no segment: a sign of life, after which a pass begins."""
        self._sent.clear()
        self._chatter += len(line)
        seconds = time.monotonic() - self._began
        if self._chatter > CHATTER + CHATTER_PER_SECOND * seconds:
            raise self.wrong(f"{self._chatter} bytes that belong to no segment")

    def segment(self, path: str, size: int) -> None:
        """A segment of which so many bytes follow."""
        if path in self._sent or size <= 0:
            raise self.wrong(f"a segment twice, or nothing of it: {path!r}, {size} bytes")
        self._sent.add(path)

    def wrong(self, what: str) -> HostError:
        """What was sent that is not taken."""
        return HostError(Problem(where=self.host, what=f"while collecting it sent {what}"))
