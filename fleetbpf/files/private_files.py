"""The operator's own files: private from the start, and written through no link."""

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fleetbpf.errors import FleetbpfError, Problem

FILE_MODE, FOLDER_MODE = 0o600, 0o700
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# A FIFO must not keep us waiting for its other end.
SAFELY = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def make_folder(folder: Path) -> None:
    """Make a folder and what lacks above it for the operator alone."""
    if not folder.is_dir():
        make_folder(folder.parent)
        with suppress(FileExistsError):  # another process was faster, or open() will complain
            folder.mkdir(FOLDER_MODE)


@contextmanager
def entered(folder: Path, *, below: Path) -> Iterator[int]:
    """A descriptor of a folder, which is made where it lacks; no link is followed after `below`.

    FleetbpfError where a link is in its place, OSError for all else.
    """
    parts = folder.relative_to(below).parts
    if ".." in parts:
        raise ValueError(f"{folder} is not below {below}")
    here = os.open(below, FOLDER)
    try:
        for depth, part in enumerate(parts, 1):
            try:
                following = step(here, part)
            except OSError as error:
                tell_place(below.joinpath(*parts[:depth]), error)
                raise
            os.close(here)
            here = following
        yield here
    finally:
        os.close(here)


def step(parent: int, name: str) -> int:
    """A descriptor of a folder within another one, which is made where it lacks."""
    try:
        return os.open(name, FOLDER | os.O_NOFOLLOW, dir_fd=parent)
    except FileNotFoundError:
        with suppress(FileExistsError):  # another process was faster
            os.mkdir(name, FOLDER_MODE, dir_fd=parent)
        return os.open(name, FOLDER | os.O_NOFOLLOW, dir_fd=parent)


def open_file(path: Path, flags: int, *, below: Path) -> int:
    """A descriptor of a regular file, which is made where it lacks; links as in `entered`."""
    with entered(path.parent, below=below) as folder:
        try:
            flags |= os.O_CREAT | SAFELY
            descriptor = os.open(path.name, flags, FILE_MODE, dir_fd=folder)
        except OSError as error:
            tell_place(path, error)
            raise
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
    with entered(path.parent, below=below or path.parent) as folder:
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | SAFELY
            descriptor = os.open(draft, flags, FILE_MODE, dir_fd=folder)
            with open(descriptor, "wb") as file:  # noqa: PTH123 (a descriptor)
                file.write(content)
                if mode != FILE_MODE:
                    os.fchmod(file.fileno(), mode)
            os.rename(draft, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException as error:
            with suppress(OSError):
                os.unlink(draft, dir_fd=folder)
            if isinstance(error, OSError):
                tell_place(path, error)
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


def tell_place(path: Path, error: OSError) -> None:
    """Have an error tell the whole path; FleetbpfError where a link or a FIFO is the reason."""
    is_link = error.errno in {errno.ELOOP, errno.ENOTDIR} and path.is_symlink()
    if is_link or error.errno == errno.ENXIO:
        raise in_the_way(path) from error
    error.filename, error.filename2 = str(path), None


def in_the_way(path: Path) -> FleetbpfError:
    """What to say of a link where fleetbpf writes, or of a FIFO."""
    kind = "a link" if path.is_symlink() else "no regular file"
    what = f"{kind}: nothing is written through it"
    hint = "see where it comes from, then remove it; to keep logs elsewhere, work in another folder"
    return FleetbpfError(Problem(where=str(path), what=what, hint=hint))
