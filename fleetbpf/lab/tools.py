"""The programs of this machine that a lab is made with, and what to install when one is absent."""

import os
import shutil
from collections.abc import Callable, Sequence

from fleetbpf.errors import HostError, Problem
from fleetbpf.lab.hosts import HostKind, LabHost
from fleetbpf.lab.qemu import PROGRAMS

# Debian keeps some of these out of an ordinary user's PATH.
SEARCHED = ("/usr/sbin", "/sbin", "/usr/local/sbin")
PACKAGES = {
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-system-aarch64": "qemu-system-arm",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "gpgv": "gpgv",
    "dpkg-deb": "dpkg",
    "qemu-img": "qemu-utils",
    "mmdebstrap": "mmdebstrap",
    "mkfs.ext4": "e2fsprogs",
    "depmod": "kmod",
    "fakeroot": "fakeroot",
    "tar": "tar",
    "newuidmap": "uidmap",
}
ALWAYS = ("ssh", "ssh-keygen", "gpgv", "dpkg-deb")
BY_KIND = {
    HostKind.MICRO: (),
    HostKind.DEBIAN: ("qemu-img", "mmdebstrap", "mkfs.ext4", "depmod", "fakeroot", "tar"),
}


def find(name: str) -> str | None:
    """Where the program `name` is, looked for where root would as well."""
    return shutil.which(name) or shutil.which(name, path=":".join(SEARCHED))


def require(
    hosts: Sequence[LabHost], *, find: Callable[[str], object] = find, user: int | None = None
) -> None:
    """Raise HostError naming everything that these hosts need and that is not here."""
    emulators = (PROGRAMS[host.architecture] for host in hosts)
    by_kind = (name for host in hosts for name in BY_KIND[host.kind])
    names = dict.fromkeys((*emulators, *ALWAYS, *by_kind))
    if "mmdebstrap" in names and (os.geteuid() if user is None else user) != 0:
        names |= dict.fromkeys(("newuidmap",))
    missing = [name for name in names if find(name) is None]
    if missing:
        packages = " ".join(sorted({PACKAGES[name] for name in missing}))
        what = f"the lab needs what is missing here: {', '.join(missing)}"
        raise HostError(Problem(where="lab", what=what, hint=f"apt-get install {packages}"))
