"""A lock on a file: one process at a time, released when that ends, however it ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def acquired(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on the file `path`, which is created and may be removed meanwhile."""
    while True:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with path.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            # Its last owner may have removed it (`lab down`): then the lock is on a file that
            # nobody else will find.
            if same_file(path, file.fileno()):
                yield
                return


def same_file(path: Path, descriptor: int) -> bool:
    """Whether `path` still names the open file."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
