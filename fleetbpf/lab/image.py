"""Make ext4 images without root: from a folder, or from a tar archive with its owners."""

import os
from pathlib import Path

from fleetbpf.errors import HostError, Problem
from fleetbpf.execution.command import Command
from fleetbpf.execution.local import LocalConnection
from fleetbpf.lab import tools

# mkfs.ext4 -d copies a folder, owners and all; fakeroot lets an ordinary user's tar set them.
# What lies in /dev would need root, and the kernel mounts devtmpfs there anyway.
UNPACK_AND_MAKE = """
set -e
mkdir -- "$2"
tar -xpf "$1" -C "$2" --numeric-owner --exclude='./dev/*'
shift 2
exec "$@"
"""


def of_tar(archive: Path, image: Path, *, size: int, local: LocalConnection) -> None:
    """Write the file system in `archive` as `image`, with room for `size` MiB; both are new.

    The archive is unpacked beside the image.
    """
    tree = image.with_name("tree")
    inner = mkfs(tree, image, size=size)
    fakeroot = ("fakeroot", "sh", "-c", UNPACK_AND_MAKE, "sh")
    command = Command(*fakeroot, archive, tree, *inner.words)
    run(command, local, "cannot make the root file system")


def of_folder(folder: Path, image: Path, *, local: LocalConnection) -> None:
    """Write a copy of `folder` as `image`, which is to be mounted read-only."""
    size = sum(file.stat().st_size + 4096 for file in folder.rglob("*") if file.is_file())
    options = ("-O", "^has_journal", "-m", "0")
    command = mkfs(folder, image, *options, size=size * 5 // 4 // 2**20 + 8)
    run(command, local, f"cannot make a file system of {folder}")


def mkfs(folder: Path, image: Path, *options: str, size: int) -> Command:
    """The command that writes `folder` into a new `image` of `size` MiB."""
    program = tools.find("mkfs.ext4") or "mkfs.ext4"
    # Tables written now are sparse here; written later by the host they would take its time.
    lazy = ("-E", "lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0")
    return Command(program, "-q", "-F", *options, *lazy, "-d", folder, image, f"{size}M")


def run(command: Command, local: LocalConnection, what: str, *, timeout: float = 600.0) -> None:
    """Run `command`, finding programs where root would; HostError(what) when it fails."""
    path = ":".join((os.environ.get("PATH", os.defpath), *tools.SEARCHED))
    done = local.run(command, timeout=timeout, env={"PATH": path})
    if done.status != 0:
        detail = (done.stderr + done.stdout).decode(errors="replace")[-4000:]
        raise HostError(Problem(where="lab", what=what, detail=detail))
