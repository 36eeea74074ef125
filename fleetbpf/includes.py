"""What a source includes: asked of clang once, remembered while all of it is the same."""

import contextlib
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from fleetbpf.cache import digest
from fleetbpf.frozen import frozen
from fleetbpf.private_files import write_whole
from fleetbpf.trusted_files import read_own

# Make's escapes, as clang writes them: "\\ ", "\\#", "$$"; a line goes on after a backslash.
WORD = re.compile(r"(?:\\\n|\s)*((?:\\[ #]|\$\$|[^\s\\]|\\(?!\n))+)")
ESCAPE = re.compile(r"\\([ #])|\$(\$)")

HAS_INCLUDE = re.compile(rb'__has_include(?:_next)?\s*\(\s*[<"]([^>"\n]+)[>"]')


@frozen
class Included:
    """A source with all it includes, as they were when somebody looked."""

    files: tuple[tuple[Path, str], ...]  # absolute, in clang's order, source first; SHA-256
    absent: tuple[Path, ...]  # where a new file would be included instead of one of these


MEMORIES = TypeAdapter(Included)


def look(files: Iterable[Path], search: Iterable[Path]) -> Included:
    """Hash `files`, and list the places before them on the `search` path that are empty now."""
    paths = tuple(files)
    folders = tuple(dict.fromkeys((*search, *(path.parent for path in paths))))
    names = {*relative_names(paths, folders), *asked_names(paths[:1])}
    candidates = sorted({folder / name for folder in folders for name in names} - set(paths))
    return Included(
        files=tuple((path, digest(path)) for path in paths),
        absent=tuple(path for path in candidates if not path.exists()),
    )


def relative_names(paths: Iterable[Path], folders: Iterable[Path]) -> Iterator[str]:
    """The names by which an `#include` may have found the files: below each folder that has it."""
    parents = tuple(folders)
    for path in paths:
        yield from (str(path.relative_to(base)) for base in parents if path.is_relative_to(base))


def asked_names(paths: Iterable[Path]) -> Iterator[str]:
    """The names in `__has_include(…)`: clang does not list what was asked for and not found."""
    for path in paths:
        yield from (
            name.decode(errors="replace") for name in HAS_INCLUDE.findall(path.read_bytes())
        )


def dependencies(rule: str, folder: Path) -> tuple[Path, ...]:
    """The files of a make rule that clang wrote in `folder`, absolute, each once, in its order."""
    _, _, listed = rule.partition(":")
    words = (ESCAPE.sub(r"\1\2", match[1]) for match in WORD.finditer(listed))
    # normpath: "./x.h" is "x.h". A symlink before ".." would be another file: leave those alone.
    paths = (
        folder / word if ".." in word else Path(os.path.normpath(folder / word)) for word in words
    )
    return tuple(dict.fromkeys(paths))


def recall(memory: Path) -> Included | None:
    """What is in `memory`; None when a file has changed, gone, or come since."""
    try:
        kept = MEMORIES.validate_json(read_own(memory))
        same = all(digest(path) == sha256 for path, sha256 in kept.files)
    except (OSError, ValidationError):
        return None
    return kept if same and not any(os.path.lexists(path) for path in kept.absent) else None


def remember(memory: Path, included: Included) -> None:
    """Keep it for the next run; a memory that cannot be written costs only time."""
    with contextlib.suppress(OSError):
        write_whole(memory, MEMORIES.dump_json(included))
