"""The files of some packages together in one folder, as they would lie on a machine."""

import re
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from fleetbpf.debian.archive import Archive, Package, key
from fleetbpf.debian.version import version_key
from fleetbpf.errors import HostError, Problem
from fleetbpf.execution.command import Command
from fleetbpf.execution.local import LocalConnection
from fleetbpf.files.file_lock import acquired
from fleetbpf.files.private_files import make_folder
from fleetbpf.files.trusted_files import refuse_shared
from fleetbpf.model.architecture import Architecture
from fleetbpf.wording import counted

SUITE = "bookworm"  # one for all machines: its libraries link with compilers from there on


def obtain(names: Sequence[str], architecture: Architecture, archive: Archive) -> Path:
    """The folder with the newest of each package, downloaded unless these are in the cache."""
    wanted = re.compile("|".join(map(re.escape, names)))
    found = newest(names, archive.packages(SUITE, architecture, wanted))
    folder = archive.cache / "trees" / f"{architecture}-{key(*found)}"
    with acquired(archive.cache / "locks" / folder.name):
        if not folder.exists():
            what = f"{counted(len(found), 'package')} for {architecture}"
            archive.say(f"downloading {what}: {names[0]}, …")
            unpack_all(found, folder, archive)
    refuse_shared(folder)
    return folder


def newest(names: Iterable[str], offered: Iterable[Package]) -> tuple[Package, ...]:
    """The newest package of each name; HostError names those that the archive does not have."""
    by_name: dict[str, Package] = {}
    for package in sorted(offered, key=lambda package: version_key(package.version)):
        by_name[package.name] = package
    missing = [name for name in names if name not in by_name]
    if missing:
        what = f"Debian's archive has no {', '.join(missing)}"
        raise HostError(Problem(where=SUITE, what=what))
    return tuple(by_name[name] for name in names)


def unpack_all(packages: Iterable[Package], folder: Path, archive: Archive) -> None:
    """Download the packages and unpack them into the new `folder`."""
    make_folder(folder.parent)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".partial-") as name:
        deb, staged = Path(name) / "package.deb", Path(name) / "tree"
        for package in packages:
            archive.fetch(package, deb)
            unpack(deb, staged, archive.local)
        staged.rename(folder)


def unpack(deb: Path, into: Path, local: LocalConnection) -> None:
    """Unpack a .deb without installing it, which needs no root."""
    done = local.run(Command("dpkg-deb", "-x", deb, into))
    if done.status == 127:
        what = "dpkg-deb is missing, which unpacks Debian's packages"
        raise HostError(Problem(where=deb.name, what=what, hint="install the package dpkg"))
    if done.status != 0:
        detail = done.stderr.decode(errors="replace")
        raise HostError(Problem(where=deb.name, what="cannot be unpacked", detail=detail))
