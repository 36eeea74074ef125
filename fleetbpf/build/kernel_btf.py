"""BTF for kernels that carry none: found in a folder of the operator's, by kernel release."""

import functools
import io
import os
import struct
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path

from fleetbpf.errors import BuildError, Problem
from fleetbpf.files import unpacking
from fleetbpf.files.cache import digest
from fleetbpf.frozen import frozen
from fleetbpf.limits import ExcessError
from fleetbpf.model.facts import HostFacts

PLAIN, PACKED = ".btf", ".btf.tar.xz"
MAGIC = struct.pack("<H", 0xEB9F)
# What BTFHub calls its folders, and `uname -m` calls the same processors.
ARCHITECTURES = {"x86_64": "x86_64", "arm64": "aarch64", "aarch64": "aarch64"}


@frozen
class KernelBtf:
    """The types of one kernel release."""

    kernel: str  # uname -r
    path: Path
    sha256: str  # of the file


@frozen
class BtfFolder:
    """Files called `<release>.btf` or `<release>.btf.tar.xz`, at any depth.

    BTFHub's archive is one (`<distribution>/<version>/<arch>/<release>.btf.tar.xz`), a flat folder
    another. A file in a folder called like an architecture is for that one only.
    """

    folder: Path | None = None  # None: the manifest names none
    files: Mapping[tuple[str, str], Path] = field(default_factory=dict)  # (release, arch or "")

    @classmethod
    def read(cls, folder: Path | None) -> "BtfFolder":
        """What is in `folder`; of two files for one release the first by name."""
        if folder is None:
            return cls()
        found: dict[tuple[str, str], Path] = {}
        for path, release in btf_files(folder):
            found.setdefault((release, ARCHITECTURES.get(path.parent.name, "")), path)
        return cls(folder=folder, files=found)

    def of(self, host: HostFacts) -> KernelBtf | None:
        """What is to be shipped to a host: nothing where the kernel has BTF itself."""
        if host.btf:
            return None
        path = self.files.get((host.kernel, host.arch)) or self.files.get((host.kernel, ""))
        return (
            None
            if path is None
            else KernelBtf(kernel=host.kernel, path=path, sha256=file_digest(path))
        )


def btf_files(folder: Path) -> Iterator[tuple[Path, str]]:
    """Each file with the kernel release that its name says, in the order of their paths."""
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            for suffix in (PLAIN, PACKED):
                if name.endswith(suffix):
                    yield Path(place, name), name.removesuffix(suffix)


def content(path: Path) -> bytes:
    """The BTF in a file; BuildError when there is none."""
    try:
        found = unpacked(path) if path.name.endswith(PACKED) else path.read_bytes()
    except (OSError, tarfile.TarError, ValueError, ExcessError) as error:
        raise BuildError(Problem(where=str(path), what=f"cannot be read: {error}")) from error
    if not found.startswith(MAGIC):
        hint = "it should be what `cat /sys/kernel/btf/vmlinux` gives, or a file of BTFHub"
        raise BuildError(Problem(where=str(path), what="is not little-endian BTF", hint=hint))
    return found


def unpacked(path: Path) -> bytes:
    """The first file in an archive; nothing when it holds none."""
    content = io.BytesIO(unpacking.unxz(path.read_bytes()))
    with tarfile.open(fileobj=content, mode="r:") as archive:
        for member in archive:
            file = archive.extractfile(member)
            if file is not None:
                return file.read()
    return b""


@functools.lru_cache(maxsize=256)
def file_digest(path: Path) -> str:
    """The SHA-256 of a file, read once for all hosts with that kernel."""
    return digest(path)
