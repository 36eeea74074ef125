"""A debian host: a root file system built once, an overlay for each host, modules by kernel."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

from fleetbpf.debian.archive import KEYRING, Archive
from fleetbpf.execution.command import Command
from fleetbpf.execution.local import LocalConnection
from fleetbpf.files.file_lock import acquired
from fleetbpf.files.private_files import make_folder
from fleetbpf.files.trusted_files import refuse_shared
from fleetbpf.lab import cpio, image, modules, namespaces, qemu
from fleetbpf.lab.identity import Identity
from fleetbpf.lab.kernels import Kernel
from fleetbpf.lab.userland import Userland

SUITE = "bookworm"
PACKAGES = (
    *("systemd", "systemd-sysv", "udev", "dbus", "openssh-server", "sudo"),
    *("iproute2", "kmod", "procps", "zstd"),
)
UNWANTED = ("doc", "man", "locale", "info")  # of /usr/share
ROOT_SIZE = 2048  # MiB, sparse
BUILD_SECONDS = 1800.0
USERS = {"ops": 1000, "nosudo": 1001}


def obtain_root(archive: Archive) -> Path:
    """The root file system that all debian hosts begin with; built unless it is in the cache."""
    target = root_image(archive.cache)
    folder = target.parent
    refuse_shared(archive.cache)
    with acquired(archive.cache / "locks" / f"root-{SUITE}"):
        if not target.exists():
            archive.say(f"building the root file system of {SUITE} hosts (once, about a minute)")
            make_folder(folder)
            with tempfile.TemporaryDirectory(dir=folder, prefix=".partial-") as name:
                built = build(Path(name), archive.mirrors[0], archive.local)
                built.replace(target)
    return target


def root_image(cache: Path) -> Path:
    """Where the root file system is, or will be."""
    return cache / "roots" / f"{SUITE}-{recipe()}.ext4"


def require(cache: Path, local: LocalConnection) -> None:
    """Raise HostError when the root file system is still to be built, and this user cannot."""
    if not root_image(cache).exists():
        namespaces.require(local, user=os.geteuid())


def recipe() -> str:
    """A hash of everything that decides what the root file system holds."""
    parts = (*PACKAGES, *UNWANTED, str(ROOT_SIZE), customisation())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def customisation() -> str:
    """The script that mmdebstrap runs at last, as text: its own user need not reach our files."""
    return files("fleetbpf").joinpath("lab", "guest", "debian-root.sh").read_text(encoding="utf-8")


def build(work: Path, mirror: str, local: LocalConnection) -> Path:
    """Install the packages in `work`; the image that came of it."""
    archive = work / "root.tar"
    options = (
        f"--mode={'root' if os.geteuid() == 0 else 'unshare'}",
        "--variant=essential",
        f"--include={','.join(PACKAGES)}",
        f"--keyring={KEYRING}",
        '--aptopt=APT::Install-Recommends "false"',
        *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in UNWANTED),
        f"--customize-hook={customisation()}",
    )
    bootstrap = Command("mmdebstrap", *options, SUITE, archive, mirror)
    image.run(bootstrap, local, f"cannot install {SUITE}", timeout=BUILD_SECONDS)
    target = work / "root.ext4"
    image.of_tar(archive, target, size=ROOT_SIZE, local=local)
    return target


def obtain_modules(kernel: Kernel, local: LocalConnection) -> None:
    """Make the disk with the kernel's modules that `disks` names, unless it is there."""
    target = modules_image(kernel)
    with acquired(kernel.folder / "lock"):
        if not target.exists():
            depmod = Command("depmod", "-b", kernel.folder, kernel.release)
            image.run(depmod, local, f"cannot list the modules of {kernel.release}")
            partial = target.with_name(f".{target.name}")
            image.of_folder(kernel.folder / "lib" / "modules", partial, local=local)
            partial.replace(target)


def modules_image(kernel: Kernel) -> Path:
    """Where the disk with the kernel's modules is."""
    return kernel.folder / "modules.ext4"


def overlay(file: Path, root: Path, local: LocalConnection) -> None:
    """Make the disk that takes a host's changes; one that is there keeps them."""
    if not file.exists():
        words = ("qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", root, file)
        image.run(Command(*words), local, f"cannot make the disk {file}")


def disks(overlay: Path, kernel: Kernel) -> tuple[qemu.Disk, ...]:
    """The disks of a host: its root, and the modules of its kernel."""
    return (
        qemu.Disk(path=overlay, format="qcow2"),
        qemu.Disk(path=modules_image(kernel), format="raw", read_only=True),
    )


def initramfs(kernel: Kernel, identity: Identity, userland: Userland) -> bytes:
    """The first file system: it mounts the disks, hands the host its identity, and goes."""
    init = files("fleetbpf").joinpath("lab", "guest", "debian-init.sh").read_bytes()
    return cpio.archive(
        (
            *(cpio.folder(name) for name in ("bin", "dev", "proc", "sys", "root")),
            cpio.device("dev/console", 5, 1),
            userland.busybox,
            cpio.symlink("bin/sh", "/bin/busybox"),
            cpio.file("init", init, mode=0o755),
            *modules.entries(kernel.modules),
            *(replace(entry, path=f"identity/{entry.path}") for entry in handed(identity)),
        )
    )


def handed(identity: Identity) -> Iterator[cpio.Entry]:
    """The files that a host finds in its root file system, whatever was there before."""
    yield from identity.entries()
    machine = hashlib.sha256(identity.host_key_public.encode()).hexdigest()[:32]
    yield cpio.file("etc/machine-id", f"{machine}\n", mode=0o444)
    for user, number in USERS.items():
        home = f"home/{user}"
        yield cpio.folder(home, owner=number)
        yield cpio.folder(f"{home}/.ssh", mode=0o700, owner=number)
        keys = f"{home}/.ssh/authorized_keys"
        yield cpio.file(keys, identity.authorized_key, mode=0o600, owner=number)
