"""What a compiler opened, as watch/watch.c told it while it was preloaded."""

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path

from fleetbpf.frozen import frozen

KINDS = b"oxsadc"  # the first byte of a record
OPENED, OUTSIDE, SPECIAL, *_ = KINDS


class Miss(StrEnum):
    """Why what was looked for was not read: the last of a record's letters."""

    ABSENT = "a"
    FOLDER = "d"
    CLOSED = "c"  # to who builds, or a link without an end


def missing(path: Path) -> Miss | None:
    """Why a path cannot be read now; None where it can."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return Miss.ABSENT
    except (OSError, RuntimeError):
        return Miss.CLOSED
    if stat.S_ISDIR(mode):
        return Miss.FOLDER
    return None if os.access(path, os.R_OK) else Miss.CLOSED


@frozen
class Opened:
    """What a compiler did with files after it had opened its source."""

    files: tuple[Path, ...]  # what it read: absolute, in its order, the source first
    missed: Mapping[Path, Miss]  # what it looked for and did not find to be a file
    outside: tuple[Path, ...]  # what it was kept from reading: it lies elsewhere
    special: tuple[Path, ...]  # as well: devices, pipes


def environment(
    library: Path, told: Path, folders: Iterable[Path], *, libraries: str = ""
) -> dict[str, str]:
    """The variables with which a compiler tells the file `told` what it opens.

    folders: what it may read from; nothing hidden below them. libraries: LD_LIBRARY_PATH before.
    """
    return {
        # The loader splits LD_PRELOAD at spaces, this one at colons only.
        "LD_LIBRARY_PATH": ":".join(filter(None, (str(library.parent), libraries))),
        "LD_PRELOAD": library.name,
        "FLEETBPF_OPENED": str(told),
        "FLEETBPF_FOLDERS": "\n".join(os.path.realpath(folder) for folder in folders),
        "LLVM_DISABLE_SYMBOLIZATION": "1",  # of a crash, by a program that opens much else
    }


def read(told: bytes, source: Path, work: Path) -> Opened:
    """What a compiler opened that ran in the source's folder and wrote into the folder `work`."""
    found: dict[int, dict[Path, None]] = {kind: {} for kind in KINDS}
    for kind, path in records(told, source):
        found[kind][path] = None
    files = found[OPENED]
    missed = ((path, miss) for miss in Miss for path in found[ord(miss)])
    return Opened(
        files=tuple(files),
        missed={p: m for p, m in missed if p not in files and not p.is_relative_to(work)},
        outside=tuple(found[OUTSIDE]),
        special=tuple(found[SPECIAL]),
    )


def records(told: bytes, source: Path) -> Iterator[tuple[int, Path]]:
    """Each record from the source's on: before it the compiler looks around by itself."""
    begun = False
    for record in told.split(b"\0")[:-1]:
        path = absolute(os.fsdecode(record[1:]), source.parent)
        begun = begun or path == source
        if begun and record[0] in KINDS:
            yield record[0], path


def absolute(path: str, folder: Path) -> Path:
    """A path as the compiler wrote it, from the folder that it ran in."""
    # normpath: "./x.h" is "x.h". A symlink before ".." would be another file: leave those alone.
    return folder / (path if ".." in path else os.path.normpath(path))
