"""Whether this machine has the memory and the disk space that a lab takes."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from fleetbpf.errors import HostError, Problem

MEMORY = Path("/proc/meminfo")
OVERHEAD = 180  # MiB of QEMU itself under TCG: what a host takes beside its own memory
DISK_PER_HOST = 200  # MiB of overlay and initramfs
DISK_OF_CACHE = 2500  # MiB to build a root file system


def check(memory: int, hosts: int, *, cache: Path, state: Path) -> None:
    """Raise HostError when `hosts` hosts of `memory` MiB in all do not fit."""
    HostError.raise_if_any(
        shortages(
            needed=memory + hosts * OVERHEAD,
            available=available(MEMORY.read_text(encoding="utf-8")),
            disk_needed=hosts * DISK_PER_HOST + (0 if cache.exists() else DISK_OF_CACHE),
            disk_available=min(free(cache), free(state)),
        )
    )


def shortages(
    *, needed: int, available: int, disk_needed: int, disk_available: int
) -> Iterator[Problem]:
    """What there is too little of, in MiB."""
    if needed > available:
        what = f"not enough memory: the hosts take {needed} MiB, {available} MiB are available"
        yield Problem(where="lab", what=what, hint="ask for fewer hosts, or less --memory")
    if disk_needed > disk_available:
        what = f"not enough disk space: {disk_needed} MiB needed, {disk_available} MiB free"
        yield Problem(where="lab", what=what, hint="free some, or set XDG_CACHE_HOME elsewhere")


def available(text: str) -> int:
    """Memory that can be had without swapping, in MiB, from the text of /proc/meminfo."""
    match = re.search(r"^MemAvailable: +(\d+) kB", text, re.MULTILINE)
    return int(match[1]) // 1024 if match else 0


def free(folder: Path) -> int:
    """Free disk space where `folder` is or will be, in MiB."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(os.fspath(folder)).free // 2**20
