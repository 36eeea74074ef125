"""What a host's mirror may take of this machine's disk: bytes, and files with their folders."""

import os
from dataclasses import dataclass
from pathlib import Path

from fleetbpf.errors import HostError, Problem
from fleetbpf.quantities import told_size

# Bytes of a mirror's limit for each of its files and folders: segments are 4 MiB, but a program
# that ends again and again leaves smaller ones.
BYTES_PER_ENTRY = 64 * 1024
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
