"""The operator's own files: private from the start, written through no link, trusted if theirs."""

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from pwd import getpwuid

from fleetbpf.errors import BuildError, FleetbpfError, Problem

FILE_MODE, FOLDER_MODE = 0o600, 0o700
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# A FIFO must not keep us waiting for its other end.
SAFELY = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def make_folder(folder: Path) -> None:
    """Make a folder and what lacks above it for the operator alone."""
    if not folder.is_dir():
        make_folder(folder.parent)
        with suppress(FileExistsError):  # another process was faster, or open() will complain
            folder.mkdir(FOLDER_MODE)


@contextmanager
def entered(folder: Path, *, below: Path) -> Iterator[int]:
    """A descriptor of a folder, which is made where it lacks; no link is followed after `below`.

    FleetbpfError where something else is in its place.
    """
    here, path = os.open(below, FOLDER), below
    try:
        for part in folder.relative_to(below).parts:
            path /= part
            with errors_of(path):
                following = step(here, part)
            os.close(here)
            here = following
        yield here
    finally:
        os.close(here)


def step(parent: int, name: str) -> int:
    """A descriptor of a folder within another one, which is made where it lacks."""
    with suppress(FileExistsError):
        os.mkdir(name, FOLDER_MODE, dir_fd=parent)
    return os.open(name, FOLDER | os.O_NOFOLLOW, dir_fd=parent)


def open_file(path: Path, flags: int, *, below: Path) -> int:
    """A descriptor of a regular file, which is made where it lacks; links as in `entered`."""
    with entered(path.parent, below=below) as folder, errors_of(path):
        flags |= os.O_CREAT | SAFELY
        descriptor = os.open(path.name, flags, FILE_MODE, dir_fd=folder)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise in_the_way(path)
    return descriptor


def write_whole(
    path: Path, content: bytes, *, mode: int = FILE_MODE, below: Path | None = None
) -> None:
    """Write a file that nobody ever sees half, nor reads while it is to be private.

    below: the folder after which no link is followed; None: the path is a person's choice.
    """
    if below is None:
        make_folder(path.parent)
    draft = f".new-{secrets.token_hex(8)}"
    with entered(path.parent, below=below or path.parent) as folder, errors_of(path):
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | SAFELY
            descriptor = os.open(draft, flags, FILE_MODE, dir_fd=folder)
            with open(descriptor, "wb") as file:  # noqa: PTH123 (a descriptor)
                file.write(content)
                if mode != FILE_MODE:
                    os.fchmod(file.fileno(), mode)
            os.rename(draft, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with suppress(OSError):
                os.unlink(draft, dir_fd=folder)
            raise


def refuse_links(folder: Path, *, below: Path) -> None:
    """Raise FleetbpfError where something in a folder is a link or a FIFO: a tool will write there.

    The folder is made where it lacks.
    """
    with entered(folder, below=below) as descriptor, os.scandir(descriptor) as found:
        for entry in found:
            status = entry.stat(follow_symlinks=False)
            if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
                raise in_the_way(folder / entry.name)


@contextmanager
def errors_of(path: Path) -> Iterator[None]:
    """Name the whole path in an OSError; FleetbpfError where it is a link or a FIFO."""
    try:
        yield
    except OSError as error:
        if path.is_symlink() or error.errno == errno.ENXIO:
            raise in_the_way(path) from error
        error.filename, error.filename2 = str(path), None
        raise


def in_the_way(path: Path) -> FleetbpfError:
    """What to say of a link where fleetbpf writes, or of a FIFO."""
    kind = "a link" if path.is_symlink() else "no regular file"
    what = f"{kind}: nothing is written through it"
    hint = "see where it comes from, then remove it; to keep logs elsewhere, work in another folder"
    return FleetbpfError(Problem(where=str(path), what=what, hint=hint))


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
