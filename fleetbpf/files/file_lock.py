"""A lock on a file: one process at a time, released when that ends, however it ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fleetbpf.files.private_files import make_folder, open_file


@contextmanager
def acquired(path: Path, *, below: Path | None = None) -> Iterator[None]:
    """Hold an exclusive lock on the file `path`, which is created and may be removed meanwhile.

    below: the folder after which no link is followed; None: the file's own.
    """
    while True:
        if below is None:
            make_folder(path.parent)
        descriptor = open_file(path, os.O_WRONLY, below=below or path.parent)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            # Its last owner may have removed it (`lab down`): then the lock is on a file that
            # nobody else will find.
            if same_file(path, descriptor):
                yield
                return
        finally:
            os.close(descriptor)


def same_file(path: Path, descriptor: int) -> bool:
    """Whether `path` still names the open file."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
