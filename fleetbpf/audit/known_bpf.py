"""BPF of others that may be on a host: what distributions bring, and what a manifest allows."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from importlib.resources import files
from pathlib import PurePosixPath

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter

from fleetbpf.model.facts import LoadedProgram
from fleetbpf.model.manifest import Known

LIST = "known_bpf.yml"
# Where a program lies that is meant by its name alone: nobody but root writes there.
OF_ROOT = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/opt", "/nix/store", "/gnu/store")


class KnownOwner(BaseModel):
    """Programs of one owner, and what the kernel must say of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    owner: str
    what: str
    names: tuple[str, ...]  # globs; "": a program without a name
    types: tuple[str, ...]
    executables: tuple[str, ...] = ()  # globs of whole paths, of the process that holds it
    pid: int | None = None  # of that process
    tags: tuple[str, ...] = ()  # the kernel's hash of its instructions, where no process holds it


def defaults() -> tuple[KnownOwner, ...]:
    """What comes with fleetbpf."""
    text = files("fleetbpf").joinpath("audit", LIST).read_text(encoding="utf-8")
    return TypeAdapter(tuple[KnownOwner, ...]).validate_python(tuple(yaml.safe_load(text)))


def is_owned(program: LoadedProgram, known: KnownOwner) -> bool:
    """Whether a program is what it is called: held by its owner, or the very code that is meant."""
    if program.type not in known.types:
        return False
    if not any(fnmatchcase(program.name, name) for name in known.names):
        return False
    if not program.pids:
        return program.tag in known.tags
    if known.pid is not None and program.pids[0] != known.pid:
        return False
    # The first process of a host is no other's, whatever became of its file in an upgrade.
    genuine = program.genuine or known.pid == 1
    path = program.executable.removesuffix(" (deleted)") if known.pid == 1 else program.executable
    return genuine and any(fnmatchcase(path, executable) for executable in known.executables)


def is_allowed(program: LoadedProgram, known: Known) -> bool:
    """Whether an entry of `audit.known` of a manifest says that a program may be there.

    Its owner is the executable that holds it: a whole path, or a name in a folder of the system's.
    """
    if not fnmatchcase(program.name, known.name) or not fnmatchcase(program.type, known.type):
        return False
    if not known.owner:
        return True
    path = PurePosixPath(program.executable)
    if "/" in known.owner:
        return program.genuine and fnmatchcase(program.executable, known.owner)
    at_home = any(path.is_relative_to(folder) for folder in OF_ROOT)
    return program.genuine and at_home and path.name == known.owner


def find_owner(
    program: LoadedProgram, known: Sequence[Known], owners: Sequence[KnownOwner]
) -> str | None:
    """Whose it is, if it is known; None if it is not."""
    for owner in owners:
        if is_owned(program, owner):
            return owner.owner
    for entry in known:
        if is_allowed(program, entry):
            return entry.owner or "the manifest"
    return None
