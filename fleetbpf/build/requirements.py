"""What a build needs of this machine, and which package of which distribution has it."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import assert_never

from fleetbpf.frozen import frozen


class Family(StrEnum):
    """Distributions that name and install their packages alike."""

    DEBIAN = "debian"
    UBUNTU = "ubuntu"
    FEDORA = "fedora"
    ARCH = "arch"


@frozen
class Requirement:
    """One tool or library: what for, from which version on, and in which packages."""

    name: str
    needed_for: str
    minimum: tuple[int, ...] = ()
    optional: bool = False  # not for builds
    packages: Mapping[Family, tuple[str, ...]]


def packages(
    debian: str, fedora: str, arch: str, *, ubuntu: str = ""
) -> Mapping[Family, tuple[str, ...]]:
    """Package names by distribution; Ubuntu's are Debian's unless given."""
    return {
        Family.DEBIAN: tuple(debian.split()),
        Family.UBUNTU: tuple((ubuntu or debian).split()),
        Family.FEDORA: tuple(fedora.split()),
        Family.ARCH: tuple(arch.split()),
    }


CLANG = Requirement(
    name="clang",
    needed_for="compiling BPF programs",
    minimum=(11,),  # the first with all of CO-RE and -mcpu=v3's BTF
    packages=packages("clang", "clang", "clang"),
)
BPFTOOL = Requirement(
    name="bpftool",
    needed_for="linking objects and cutting BTF",
    minimum=(5, 13),  # gen object; gen min_core_btf, for kernels without BTF, is of 5.17
    packages=packages("bpftool", "bpftool", "bpf", ubuntu="linux-tools-common linux-tools-generic"),
)
CC = Requirement(
    name="cc",
    needed_for="linking loaders",
    packages=packages("gcc libc6-dev", "gcc", "gcc"),
)
LIBC = Requirement(
    name="libc.a",
    needed_for="linking loaders statically",
    packages=packages("libc6-dev", "glibc-static", "glibc"),
)
LIBBPF = Requirement(
    name="libbpf.a",
    needed_for="linking loaders statically",
    minimum=(1, 0),
    packages=packages("libbpf-dev", "libbpf-devel libbpf-static", "libbpf"),
)
LIBELF = Requirement(
    name="libelf.a",
    needed_for="linking loaders statically",
    packages=packages(
        "libelf-dev", "elfutils-libelf-devel elfutils-libelf-devel-static libzstd-static", "libelf"
    ),
)
ZLIB = Requirement(
    name="libz.a",
    needed_for="linking loaders statically",
    packages=packages("zlib1g-dev", "zlib-devel zlib-static", "zlib"),
)
STATIC_LINK = Requirement(
    name="static link",
    needed_for="linking loaders statically",
    packages={
        where: tuple(name for item in (LIBC, LIBBPF, LIBELF, ZLIB) for name in item.packages[where])
        for where in Family
    },
)
LLD = Requirement(
    name="ld.lld",
    needed_for="linking loaders for another architecture",
    optional=True,
    packages=packages("lld", "lld", "lld"),
)
BUILD = (CLANG, BPFTOOL, CC, LIBC, LIBBPF, LIBELF, ZLIB)
CROSS = (CLANG, BPFTOOL, LLD)  # the libraries come from Debian's archive

FETCHING = ("gpgv", "dpkg-deb")  # verify and unpack packages
LAB = tuple(
    Requirement(
        name=name,
        needed_for="the lab, another architecture" if name in FETCHING else "the lab",
        optional=True,
        packages=packages(*names),
    )
    for name, names in {
        "qemu-system-x86_64": ("qemu-system-x86", "qemu-system-x86-core", "qemu-system-x86"),
        "qemu-system-aarch64": (
            *("qemu-system-arm", "qemu-system-aarch64-core", "qemu-system-aarch64"),
        ),
        "qemu-img": ("qemu-utils", "qemu-img", "qemu-img"),
        "ssh": ("openssh-client", "openssh-clients", "openssh"),
        "ssh-keygen": ("openssh-client", "openssh", "openssh"),
        "gpgv": ("gpgv", "gnupg2", "gnupg"),
        "dpkg-deb": ("dpkg", "dpkg", "dpkg"),
        "mmdebstrap": ("mmdebstrap", "mmdebstrap", "mmdebstrap"),
        "fakeroot": ("fakeroot", "fakeroot", "fakeroot"),
        "mkfs.ext4": ("e2fsprogs", "e2fsprogs", "e2fsprogs"),
        "depmod": ("kmod", "kmod", "kmod"),
        "tar": ("tar", "tar", "tar"),
    }.items()
)


def family(os_release: str) -> Family | None:
    """The family of the distribution described by the text of `/etc/os-release`.

    ID first, then ID_LIKE from left to right, as os-release(5) has it; None when it is unknown.
    """
    fields = dict(line.split("=", 1) for line in os_release.splitlines() if "=" in line)
    words = f"{fields.get('ID', '')} {fields.get('ID_LIKE', '')}".replace('"', "").replace("'", "")
    for word in words.split():
        if word in {"rhel", "centos"}:
            return Family.FEDORA
        if word in set(Family):
            return Family(word)
    return None


def install_command(requirements: Sequence[Requirement], where: Family | None) -> str:
    """The command that installs all of `requirements`; their names where we know no command."""
    if where is None:
        names = ", ".join(requirement.name for requirement in requirements)
        return f"install with your distribution's package manager: {names}"
    names = " ".join(dict.fromkeys(word for item in requirements for word in item.packages[where]))
    return f"{installer(where)} {names}"


def installer(where: Family) -> str:
    """The words that install packages there."""
    match where:
        case Family.DEBIAN | Family.UBUNTU:
            return "sudo apt-get install -y"
        case Family.FEDORA:
            return "sudo dnf install -y"
        case Family.ARCH:
            return "sudo pacman -S --needed"
    assert_never(where)
