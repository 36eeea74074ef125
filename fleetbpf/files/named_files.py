"""Files by names that people wrote: one that no file system takes is as absent as any other."""

import os
from pathlib import Path


def exists(path: Path) -> bool:
    """Whether anything is there."""
    return os.path.exists(path)  # noqa: PTH110


def is_file(path: Path) -> bool:
    """Whether a regular file is there, or a link to one.

    Path.is_file() raises OSError for a name of more than 255 bytes (Python < 3.14).
    """
    return os.path.isfile(path)  # noqa: PTH113


def is_folder(path: Path) -> bool:
    """Whether a folder is there, or a link to one."""
    return os.path.isdir(path)  # noqa: PTH112
