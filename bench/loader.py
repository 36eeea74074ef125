"""A running loader: time until it is attached, and its memory, beside a tutorial's loader.

Needs root: it attaches programs/hello.bpf.c on this machine, to an own tracefs instance.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import measuring
from bare import SOURCE, Bare
from measuring import Case

from fleetbpf.build.build import Builder
from fleetbpf.build.toolchain import Toolchain
from fleetbpf.model.recipe import Recipe

TRACEFS = Path("/sys/kernel/tracing")
PATIENCE = 30.0  # seconds until a loader must be ready


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A loader that has attached its program."""

    milliseconds: float  # since it was started
    resident_kib: float


@contextmanager
def running(
    command: list[str], notified: Callable[["subprocess.Popen[bytes]"], None], **environment: str
) -> Iterator[Ready]:
    """Start a loader, wait until it is ready, and end it."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, env={**os.environ, **environment}, bufsize=0
    )
    try:
        notified(process)
        yield Ready(
            milliseconds=(time.perf_counter() - started) * 1000, resident_kib=resident(process.pid)
        )
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)


def resident(pid: int) -> float:
    """The most memory that a process has had, in KiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith("VmHWM")))


class Ours:
    """Our loader, as systemd would start it."""

    def __init__(self, folder: Path, toolchain: Toolchain, source: Path = SOURCE) -> None:
        self.folder = folder
        self.loader = Builder(toolchain, folder / "cache").build(Recipe(source=source)).loader

    def ready(self) -> Ready:
        with self.running() as ready:
            return ready

    @contextmanager
    def running(self) -> Iterator[Ready]:
        with tempfile.TemporaryDirectory(dir=self.folder) as name:
            address = f"{name}/notify"
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
                listener.bind(address)
                listener.settimeout(PATIENCE)
                command = [str(self.loader), "--spool", f"{name}/spool", "--run", f"{name}/run"]
                with running(command, lambda _: wait_for(listener), NOTIFY_SOCKET=address) as ready:
                    yield ready


def wait_for(listener: socket.socket) -> None:
    """Wait until a service says that it is ready, as sd_notify(3) has it."""
    while b"READY=1" not in listener.recv(4096):
        pass


def minimal_ready(loader: Path) -> Ready:
    """Run the tutorial's loader, which says that it is ready on standard output."""
    with running([str(loader)], said_ready) as ready:
        return ready


def said_ready(process: "subprocess.Popen[bytes]") -> None:
    if process.stdout is None or process.stdout.readline() != b"ready\n":
        raise RuntimeError("the tutorial's loader did not attach: does this machine trace?")


@contextmanager
def tracefs() -> Iterator[None]:
    """Have tracefs mounted where it belongs; as it was before, afterwards."""
    if (TRACEFS / "instances").exists():
        yield
        return
    subprocess.run(["mount", "-t", "tracefs", "tracefs", TRACEFS], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", TRACEFS], check=True)


def main() -> None:
    options = measuring.options(__doc__ or "")
    if os.geteuid() != 0:
        sys.exit("bench/loader.py needs root: it attaches a BPF program")
    toolchain = Toolchain.find()
    with tracefs(), tempfile.TemporaryDirectory() as name:
        ours, bare = Ours(Path(name), toolchain), Bare(Path(name), toolchain)
        bare.build()
        cases = [
            Case(
                name="start until attached",
                ours=lambda: ours.ready().milliseconds,
                peer=lambda: minimal_ready(bare.loader).milliseconds,
                peer_name="minimal libbpf loader",
                unit="ms",
            ),
            Case(
                name="resident memory",
                ours=lambda: ours.ready().resident_kib,
                peer=lambda: minimal_ready(bare.loader).resident_kib,
                peer_name="minimal libbpf loader",
                unit="KiB",
            ),
            Case(
                name="size on disk",
                ours=lambda: ours.loader.stat().st_size / 1024,
                peer=lambda: bare.loader.stat().st_size / 1024,
                peer_name="minimal libbpf loader",
                unit="KiB",
            ),
        ]
        rounds = measuring.QUICK_ROUNDS if options.quick else measuring.ROUNDS
        results = measuring.measure(cases, rounds=rounds)
    measuring.tell(results, as_json=options.json)


if __name__ == "__main__":
    main()
