"""Kernels by series: the newest package of a series, unpacked once into the cache."""

import re
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from fleetbpf.debian.archive import Archive, Package, key
from fleetbpf.debian.tree import unpack as unpack_package
from fleetbpf.debian.version import Key, version_key
from fleetbpf.errors import HostError, Problem
from fleetbpf.files.file_lock import acquired
from fleetbpf.files.private_files import make_folder
from fleetbpf.files.trusted_files import refuse_shared
from fleetbpf.frozen import frozen
from fleetbpf.model.architecture import Architecture

# Where a series is looked for first; it moves on when Debian does, so all suites come next.
SUITE_OF_SERIES = {
    "5.10": "bullseye",
    "6.1": "bookworm",
    "6.12": "bookworm-backports",
    "7.3": "trixie-backports",
}
SUITES = ("bullseye", "bookworm", "bookworm-backports", "trixie", "trixie-backports")
NAME = re.compile(r"linux-(image|binary|modules)-((\d+\.\d+)\..*-cloud-(?:amd64|arm64))")


@frozen
class Kernel:
    """A kernel in the cache, ready to boot."""

    series: str
    release: str  # what `uname -r` says on the host
    folder: Path

    @property
    def image(self) -> Path:
        """What QEMU boots."""
        return self.folder / "vmlinuz"

    @property
    def modules(self) -> Path:
        """The folder of its modules, `lib/modules/<release>`."""
        return self.folder / "lib" / "modules" / self.release


@frozen
class Offer:
    """A kernel that the archive has: one package, or two since the files were split (6.18)."""

    series: str
    release: str
    packages: tuple[Package, ...]


def obtain(series: str, architecture: Architecture, archive: Archive) -> Kernel:
    """The newest kernel of `series`; downloaded unless this very package is in the cache."""
    offer = find(series, architecture, archive)
    folder = archive.cache / "kernels" / f"{offer.release}-{key(*offer.packages)}"
    with acquired(archive.cache / "locks" / f"kernel-{offer.release}"):
        if not folder.exists():
            unpack(offer, folder, archive)
    refuse_shared(folder)
    return Kernel(series=series, release=offer.release, folder=folder)


def find(series: str, architecture: Architecture, archive: Archive) -> Offer:
    """What the archive offers for `series`; HostError names the series that it has instead."""
    first = SUITE_OF_SERIES.get(series)
    offered: set[str] = set()
    for suite in sorted(SUITES, key=lambda suite: suite != first):
        found = offers(archive.packages(suite, architecture, NAME))
        if series in found:
            return found[series]
        offered |= found.keys()
    names = ", ".join(sorted(offered, key=version_key))
    what = f"no kernel of the series {series} for {architecture} in Debian's archive"
    raise HostError(Problem(where="lab", what=what, hint=f"it has {names}"))


def offers(packages: Iterable[Package]) -> dict[str, Offer]:
    """By series, the newest kernel in an index."""
    releases: dict[tuple[str, str], dict[str, Package]] = {}
    for package in packages:
        match = NAME.fullmatch(package.name)
        if match is not None:
            releases.setdefault((match[3], match[2]), {})[match[1]] = package
    newest: dict[str, Offer] = {}
    for (series, release), parts in sorted(releases.items(), key=age):
        chosen = bootable(parts)
        if chosen:
            newest[series] = Offer(series=series, release=release, packages=chosen)
    return newest


def age(item: tuple[tuple[str, str], dict[str, Package]]) -> Key:
    """A key that puts the newest kernel last."""
    return max(version_key(package.version) for package in item[1].values())


def bootable(parts: dict[str, Package]) -> tuple[Package, ...]:
    """The packages that hold the kernel and its modules; empty when some are missing."""
    if "binary" in parts and "modules" in parts:
        # Here linux-image-* is an empty package that depends on these two.
        return parts["binary"], parts["modules"]
    return (parts["image"],) if "image" in parts and "binary" not in parts else ()


def unpack(offer: Offer, folder: Path, archive: Archive) -> None:
    """Download the packages of `offer` and put kernel and modules into `folder`."""
    make_folder(folder.parent)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".partial-") as name:
        work = Path(name)
        for package in offer.packages:
            deb = work / "package.deb"
            archive.say(f"downloading {package.name} {package.version}")
            archive.fetch(package, deb)
            unpack_package(deb, work / "files", archive.local)
        staged = work / "kernel"
        make_folder(staged / "lib" / "modules")
        place(work / "files", staged, offer.release)
        staged.rename(folder)


def place(files: Path, folder: Path, release: str) -> None:
    """Move kernel and modules from where a package has them to where the lab wants them."""
    modules = first(files, f"lib/modules/{release}", f"usr/lib/modules/{release}")
    image = first(files, f"boot/vmlinuz-{release}", f"usr/lib/modules/{release}/vmlinuz")
    shutil.move(image, folder / "vmlinuz")
    shutil.move(modules, folder / "lib" / "modules" / release)


def first(folder: Path, *names: str) -> Path:
    """The first of `names` that exists; HostError when none does."""
    for name in names:
        if folder.joinpath(name).exists():
            return folder / name
    what = f"the kernel package has none of {', '.join(names)}"
    raise HostError(Problem(where="lab", what=what))
