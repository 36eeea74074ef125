"""What the sources of an inventory are: files, folders of files, scripts, lists of hosts."""

import os
import re
from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path

from fleetbpf.errors import InputError, Problem
from fleetbpf.files import named_files
from fleetbpf.frozen import frozen

# What Ansible passes over in a folder of inventories.
HIDDEN = re.compile(r"\.|(?:host_vars|group_vars|vars_plugins)$")
NO_INVENTORIES = (
    *(".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst"),
    *(".orig", ".cfg", ".retry"),
)

YAML_SUFFIXES = (".yml", ".yaml", ".json")
MAGIC = (b"#!", b"\x7fELF")  # how a file begins that the kernel can execute
IGNORED_LINE = re.compile(r"\s*(?:[#;].*)?")
INI_SECTION = re.compile(r"\[[^\]]*\]\s*(?:#.*)?")
YAML_LINE = re.compile(r"---|%YAML|[{\"'?]|[^\s=]+:(?:\s|$)")


class Format(Enum):
    """How an inventory is written."""

    YAML = "yaml"
    INI = "ini"
    SCRIPT = "script"
    HOST_LIST = "host list"


@frozen
class Location:
    """One source as the command line names it."""

    name: str
    folder: Path | None  # where its group_vars/ and host_vars/ are; a list of hosts has none
    files: tuple[Path, ...] = ()  # none: the name is a list of hosts


def located(name: str) -> Location:
    """What a source is; InputError when there is nothing, or nothing in it."""
    path = Path(name)
    if not name:
        what = "the name of an inventory is empty"
        raise InputError(Problem(where="inventory", what=what, hint="write . for this folder"))
    if "," in name and not named_files.exists(path):
        return Location(name=name, folder=None)
    if not named_files.is_folder(path):
        return Location(name=name, folder=path.parent, files=(path,))
    found = tuple(inventories(path))
    if not found:
        what = "there is no inventory in this folder"
        hint = f"names ending in {', '.join(NO_INVENTORIES)} do not count, nor hidden ones"
        raise InputError(Problem(where=name, what=what, hint=hint))
    return Location(name=name, folder=path, files=found)


def inventories(folder: Path) -> Iterator[Path]:
    """The files of a folder and of the folders in it, in the order of their names."""
    try:
        paths = sorted(folder.iterdir(), key=os.fsencode)
    except OSError as error:
        what = f"cannot read it: {error.strerror}"
        raise InputError(Problem(where=str(folder), what=what)) from error
    for path in paths:
        if HIDDEN.match(path.name) or path.name.endswith(NO_INVENTORIES):
            continue
        if path.is_dir():
            yield from inventories(path)
        else:
            yield path


def is_script(path: Path) -> bool:
    """Whether the file is executable, by its mode and by what it holds."""
    try:
        with path.open("rb") as file:
            begin = file.read(4)
    except OSError:
        return False  # whoever reads it as a text says why it cannot be read
    return begin.startswith(MAGIC) and os.access(path, os.X_OK)


def text_format(path: Path, text: str) -> Format:
    """YAML or INI, by the file's suffix and by its first line that says something."""
    if path.suffix not in ("", *YAML_SUFFIXES):
        return Format.INI
    line = first_line(text.splitlines())
    if path.suffix:
        is_ini = path.suffix != ".json" and INI_SECTION.fullmatch(line)
        return Format.INI if is_ini else Format.YAML
    return Format.YAML if YAML_LINE.match(line) else Format.INI


def first_line(lines: Sequence[str]) -> str:
    """The first line that is neither empty nor a comment."""
    return next((line.rstrip() for line in lines if not IGNORED_LINE.fullmatch(line)), "")


def check_readable(path: Path, text: str) -> None:
    """Refuse what Ansible would read in another way than it looks, or not at all."""
    if path.suffix == ".toml":
        hint = f"convert it: ansible-inventory -i {path} --list --yaml --export"
        raise InputError(Problem(where=str(path), what="TOML inventories are not read", hint=hint))
    if text.startswith("#!/") and not os.access(path, os.X_OK):
        what = "this looks like an inventory script, but it is not executable"
        raise InputError(Problem(where=f"{path}:1:1", what=what, hint=f"chmod +x {path}"))
