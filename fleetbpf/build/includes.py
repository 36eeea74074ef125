"""What a source includes: seen as clang reads it, remembered while all of it is the same."""

import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from fleetbpf.build.opened import Miss, missing
from fleetbpf.files.cache import digest
from fleetbpf.files.private_files import write_whole
from fleetbpf.files.trusted_files import read_own
from fleetbpf.frozen import frozen


@frozen
class Included:
    """A source with all it includes, as they were when somebody looked."""

    files: tuple[tuple[Path, str], ...]  # absolute, in clang's order, source first; SHA-256
    missed: tuple[tuple[Path, Miss], ...]  # what was looked for: a file there may be included


MEMORIES = TypeAdapter(Included)


def look(files: Iterable[Path], missed: Mapping[Path, Miss]) -> Included:
    """Hash `files`, and keep what was missed."""
    hashed = tuple((path, digest(path)) for path in files)
    return Included(files=hashed, missed=tuple(missed.items()))


def recall(memory: Path) -> Included | None:
    """What is in `memory`; None when a file has changed, gone, or come since."""
    try:
        kept = MEMORIES.validate_json(read_own(memory))
        same = all(digest(path) == sha256 for path, sha256 in kept.files)
    except (OSError, ValidationError):
        return None
    return kept if same and all(missing(path) is miss for path, miss in kept.missed) else None


def remember(memory: Path, included: Included) -> None:
    """Keep it for the next run; a memory that cannot be written costs only time."""
    with contextlib.suppress(OSError):
        write_whole(memory, MEMORIES.dump_json(included))
