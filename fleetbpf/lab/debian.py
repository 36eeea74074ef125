"""A debian host: a root file system built once, an overlay for each host, modules by kernel."""

from pathlib import Path

from fleetbpf.connections.local import LocalConnection
from fleetbpf.lab import qemu
from fleetbpf.lab.archive import Archive
from fleetbpf.lab.identity import Identity
from fleetbpf.lab.kernels import Kernel


def obtain_root(archive: Archive) -> Path:
    raise NotImplementedError


def initramfs(kernel: Kernel, identity: Identity, local: LocalConnection) -> bytes:
    raise NotImplementedError


def overlay(file: Path, root: Path, local: LocalConnection) -> None:
    raise NotImplementedError


def disks(overlay: Path, kernel: Kernel) -> tuple[qemu.Disk, ...]:
    raise NotImplementedError
