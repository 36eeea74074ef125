"""A host that lies: an sshd on the loopback, and fleetbpf as a process of its own that asks it."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.hostile import lies
from tests.integration import sshd
from tests.memory import high_water

INVENTORY = """
all:
  hosts:
    evil:
      ansible_ssh_common_args: -F none
      fleetbpf_host: {address}
      fleetbpf_port: {port}
      fleetbpf_user: root
      fleetbpf_identity_file: {folder}/identity
      fleetbpf_known_hosts_file: {folder}/known_hosts
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What a process left."""

    status: int
    out: str
    seconds: float
    peak: int  # bytes of memory


@contextlib.contextmanager
def lying(folder: Path, lie: str) -> Iterator[Path]:
    """A host that tells one of the lies, in an inventory, `inventory.yml`, of the folder."""
    forced = f'ForceCommand {sys.executable} {lies.__file__} "{lie}"\n'
    server = sshd.start(folder, more=forced)
    text = INVENTORY.format(address=sshd.ADDRESS, port=server.port, folder=folder)
    (folder / "inventory.yml").write_text(text)
    try:
        yield folder
    finally:
        sshd.stop(server)


def begin(folder: Path, *words: str, path: Sequence[Path] = ()) -> subprocess.Popen[bytes]:
    """Begin a command of fleetbpf in the folder; `path` is looked through first for programs."""
    own = {"HOME": str(folder), "PATH": ":".join((*map(str, path), os.environ["PATH"]))}
    with (folder / "said").open("wb") as said:
        return subprocess.Popen(
            [sys.executable, "-m", "fleetbpf", *words],
            cwd=folder,
            env={**os.environ, **own, "PYTHONPATH": str(Path(__file__).parents[2])},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )


def finish(process: subprocess.Popen[bytes], folder: Path, *, seconds: float) -> Ended:
    """What became of a command that is to end within so many seconds; else it is killed."""
    began, peak = time.monotonic(), 0.0
    while process.poll() is None:
        peak = max(peak, high_water(process.pid))
        if time.monotonic() > began + seconds:
            process.kill()
        time.sleep(0.01)
    return Ended(
        status=process.returncode,
        out=(folder / "said").read_text(errors="replace"),
        seconds=time.monotonic() - began,
        peak=round(peak * 2**20),
    )


def ask(folder: Path, *words: str, seconds: float = 60.0) -> Ended:
    """Run a command of fleetbpf against the inventory of the folder."""
    process = begin(folder, *words, "-i", "inventory.yml")
    return finish(process, folder, seconds=seconds)
