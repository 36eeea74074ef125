"""Who runs fleetbpf, and where people's home folders are: a machine may know neither."""

import getpass
import os
from pathlib import Path

from fleetbpf.errors import InputError, Problem
from fleetbpf.wording import MisunderstoodError, quoted


def home() -> Path:
    """The home folder of this user; InputError where nobody says which it is."""
    try:
        return Path.home()
    except RuntimeError as error:
        what = f"user {os.getuid()} has no home folder on this machine"
        hint = "name one: HOME=/some/folder"
        raise InputError(Problem(where="HOME", what=what, hint=hint)) from error


def expanded(text: str) -> Path:
    """The path with the home folder in place of `~` or `~ann`; MisunderstoodError for none."""
    try:
        return Path(text).expanduser()
    except (RuntimeError, ValueError) as error:
        raise MisunderstoodError(f"{quoted(text)} has no home folder here") from error


def user() -> str:
    """The name of this user; the number where the machine has no name for it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # OSError from Python 3.13 on
        return str(os.getuid())
