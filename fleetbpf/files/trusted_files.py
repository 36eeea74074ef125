"""Files of caches, from which hosts get what they run: trusted where nobody else may write."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from pwd import getpwuid

from fleetbpf.errors import BuildError, Problem
from fleetbpf.files.private_files import SAFELY

OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def read_own(path: Path) -> bytes:
    """A file of a cache; BuildError where somebody else may have written it, OSError as ever."""
    with opened_own(path) as file:
        return file.read()


@contextmanager
def opened_own(path: Path) -> Iterator[BufferedReader]:
    """The same, opened."""
    refuse_shared(path.parent)
    descriptor = os.open(path, os.O_RDONLY | SAFELY)
    with open(descriptor, "rb") as file:  # noqa: PTH123 (a descriptor)
        refuse_others(path, os.fstat(descriptor))
        yield file


def refuse_shared(folder: Path) -> None:
    """Raise BuildError where somebody else may write into a folder of a cache, or replace it."""
    with suppress(FileNotFoundError, NotADirectoryError):
        refuse_others(folder, folder.stat())
        above = folder.parent.stat()
        if not above.st_mode & stat.S_ISVTX:
            refuse_others(folder.parent, above)


def refuse_others(path: Path, status: os.stat_result) -> None:
    """Raise BuildError where somebody else than the operator and root may write."""
    mine = f"set XDG_CACHE_HOME to a folder that is {name_of(os.geteuid())}'s"
    if status.st_uid not in {0, os.geteuid()}:
        what = f"it belongs to {name_of(status.st_uid)}, who could put another program here"
        raise BuildError(Problem(where=str(path), what=what, hint=f"remove it, or {mine}"))
    if status.st_mode & OTHERS_WRITE:
        what = f"others may write here (mode {stat.S_IMODE(status.st_mode):o})"
        hint = f"if nobody has: chmod -R go-w {path}; else remove it, or {mine}"
        raise BuildError(Problem(where=str(path), what=what, hint=hint))


def name_of(uid: int) -> str:
    """A user's name; the number where there is none."""
    try:
        return getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
