"""Which git repository a file lies in, told by what all its clones share; git itself is not run."""

import re
from pathlib import Path

from fleetbpf.files import named_files

LARGEST = 2**20  # bytes of a file of git's that are read
SECTION = re.compile(r'\[\s*remote\s+"(?P<name>(?:[^"\\]|\\.)*)"\s*\]', re.IGNORECASE)
SETTING = re.compile(r"(?P<key>[a-z0-9-]+)\s*=\s*(?P<value>.*)", re.IGNORECASE)
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
SHORT_FORM = re.compile(r"[^/:]+:(?P<path>.*)")  # user@host:path, as scp has it


def find_top(file: Path) -> Path | None:
    """The folder of the working tree that a file lies in; None without one."""
    return next((each for each in file.parents if named_files.exists(each / ".git")), None)


def identify(top: Path) -> str:
    """The repository of a working tree: the path in the address of its remote, else of itself.

    The host of an address is left away: people reach one repository by different names of it.
    """
    remotes = read_remotes(top)
    address = remotes.get("origin") or next(iter(remotes.values()), "")
    return shorten(address or str(shared_folder(top / ".git")), top=top)


def shorten(address: str, *, top: Path) -> str:
    """The path in the address of a repository: acme/fleet of git@example.com:acme/fleet.git."""
    if SCHEME.match(address):
        path = address.partition("://")[2].partition("/")[2]
        path = re.split(r"[?#]", path, maxsplit=1)[0]
    elif found := SHORT_FORM.match(address):
        path = found["path"]
    else:
        path = str((top / address).resolve())
    return path.rstrip("/").removesuffix(".git").strip("/").lower()


def read_remotes(top: Path) -> dict[str, str]:
    """The addresses of its remotes by their names, in the order of git's file."""
    found: dict[str, str] = {}
    remote = ""
    for line in map(str.strip, read(shared_folder(top / ".git") / "config").splitlines()):
        if line.startswith("["):
            section = SECTION.match(line)
            remote = section["name"] if section else ""
        elif remote and (setting := SETTING.match(line)) and setting["key"].lower() == "url":
            found.setdefault(remote, setting["value"].strip('" '))
    return found


def shared_folder(git: Path) -> Path:
    """Where the settings are: `.git` is a file in a submodule and in a second working tree."""
    if named_files.is_file(git):
        git = git.parent / read(git).removeprefix("gitdir:").strip()
    common = git / "commondir"
    return git / read(common).strip() if named_files.is_file(common) else git


def read(file: Path) -> str:
    """The beginning of a text; nothing where there is none."""
    if not named_files.is_file(file):
        return ""
    try:
        with file.open(encoding="utf-8", errors="replace") as text:
            return text.read(LARGEST).replace("\0", "")
    except OSError:
        return ""
