"""What runs above a host's kernel at first: busybox, and sshd with its libraries, from packages."""

import os
from collections.abc import Iterator
from pathlib import Path

from fleetbpf.debian import tree
from fleetbpf.debian.archive import Archive
from fleetbpf.frozen import frozen
from fleetbpf.lab import cpio
from fleetbpf.model.architecture import Architecture

# busybox, sshd, and the packages of every library that sshd loads (`ldd /usr/sbin/sshd`).
PACKAGES = (
    *("busybox-static", "openssh-server", "libc6", "libcrypt1", "libwrap0", "libaudit1"),
    *("libpam0g", "libsystemd0", "libselinux1", "libgssapi-krb5-2", "libkrb5-3", "libcom-err2"),
    *("libssl3", "zlib1g", "libnsl2", "libcap-ng0", "libcap2", "libgcrypt20", "liblzma5"),
    *("libzstd1", "liblz4-1", "libpcre2-8-0", "libk5crypto3", "libkrb5support0", "libkeyutils1"),
    *("libtirpc3", "libgpg-error0"),
)
BUSYBOX = "bin/busybox"
SSHD = "usr/sbin/sshd"
LINKERS = {
    Architecture.X86_64: "lib64/ld-linux-x86-64.so.2",
    Architecture.ARM64: "lib/ld-linux-aarch64.so.1",
}


@frozen
class Userland:
    """The unpacked packages."""

    architecture: Architecture
    folder: Path

    @property
    def busybox(self) -> cpio.Entry:
        """The static busybox, which is the first process."""
        return self._entry(BUSYBOX)

    def sshd(self) -> Iterator[cpio.Entry]:
        """sshd, the dynamic linker and all libraries."""
        yield self._entry(SSHD)
        yield self._entry(LINKERS[self.architecture])
        for place in (f"lib/{self.architecture.triple}", f"usr/lib/{self.architecture.triple}"):
            for path in sorted((self.folder / place).glob("*.so*")):
                yield self._entry(str(path.relative_to(self.folder)))

    def _entry(self, path: str) -> cpio.Entry:
        """A file of the packages at the same place on the host."""
        file = self.folder / path
        if file.is_symlink():
            return cpio.symlink(path, os.fspath(file.readlink()))
        return cpio.file(path, file.read_bytes(), mode=0o755)


def obtain(architecture: Architecture, archive: Archive) -> Userland:
    """What hosts of an architecture have in common; downloaded unless it is in the cache."""
    folder = tree.obtain(PACKAGES, architecture, archive)
    return Userland(architecture=architecture, folder=folder)
