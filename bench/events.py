"""Typed events: CPU of reader and program, losses and memory, beside bpftrace and libbpf by hand.

Needs root and tracefs: programs attach to getppid on this machine, for one process of ours. At the
end two million events, and as many lines, are fired at full speed, and must add up.
"""

import contextlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import measuring
from loader import tracefs
from measuring import Result

from fleetbpf.build.build import Builder
from fleetbpf.build.toolchain import Toolchain
from fleetbpf.model.recipe import Recipe

HERE = Path(__file__).parent
RATES = (100_000, 300_000, 1_000_000)  # a second
SECONDS = 0.5  # of firing, so many rounds
THREADS = 2
AT_FULL_SPEED = 2_000_000
PATIENCE = 60.0
BPFTRACE = (
    "tracepoint:syscalls:sys_enter_getppid /pid == {pid}/ {{ @n = @n + 1; "
    'printf("{{\\"number\\":%llu,\\"pid\\":%d,\\"uid\\":%d,\\"comm\\":\\"%s\\",\\"at\\":%llu,'
    '\\"result\\":%d}}\\n", @n, tid, uid, comm, nsecs, -1); }}'
)


class Reader(Protocol):
    """Something that writes a line of JSON for each event."""

    name: str

    def command(self, pid: int, folder: Path) -> list[str]:
        """The command that watches the process `pid`."""

    def ready(self, folder: Path) -> bool:
        """Whether it is attached."""

    def written(self, folder: Path) -> int:
        """The events it wrote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one run of one reader cost."""

    call_ns: float  # of the process that fires, a call
    reader_ns: float  # of the reader, a record that it wrote
    lost: float  # percent of what was fired
    resident_kib: float


class Ours:
    """Our loader, with a spool."""

    name = "fleetbpf"

    def __init__(self, loader: Path) -> None:
        self.loader = loader

    def command(self, pid: int, folder: Path) -> list[str]:
        places = ("--spool", str(folder / "spool"), "--run", str(folder / "run"))
        return [str(self.loader), "--set", f"pid={pid}", *places, "--spool-limit", str(2**30)]

    def ready(self, folder: Path) -> bool:
        return (folder / "run" / "state").exists()

    def written(self, folder: Path) -> int:
        return self.count(folder, b',"kind":"event",') + self.count(folder, b',"kind":"trace",')

    def count(self, folder: Path, what: bytes) -> int:
        return sum(path.read_bytes().count(what) for path in (folder / "spool").glob("*.log"))


class ByHand:
    """A C program that was written for this one struct."""

    name = "libbpf by hand"

    def __init__(self, folder: Path, program: Path) -> None:
        self.loader = folder / "events_by_hand"
        self.program = program
        source = str(HERE / "events_by_hand.c")
        libraries = ("-static", "-lbpf", "-lelf", "-lz")
        compile_(["cc", "-O2", "-o", str(self.loader), source, *libraries])

    def command(self, pid: int, folder: Path) -> list[str]:  # noqa: ARG002
        return [str(self.loader), str(self.program), str(pid)]

    def ready(self, folder: Path) -> bool:
        return b"ready" in (folder / "stderr").read_bytes()

    def written(self, folder: Path) -> int:
        return (folder / "stdout").read_bytes().count(b"\n")


class Bpftrace:
    """bpftrace's printf."""

    name = "bpftrace printf"

    def command(self, pid: int, folder: Path) -> list[str]:  # noqa: ARG002
        return ["bpftrace", "-e", BPFTRACE.format(pid=pid)]

    def ready(self, folder: Path) -> bool:
        return b"Attaching" in (folder / "stdout").read_bytes()

    def written(self, folder: Path) -> int:
        return (folder / "stdout").read_bytes().count(b'{"number"')


def compile_(command: list[str]) -> None:
    subprocess.run(command, check=True)


def with_bpftrace() -> bool:
    """Have bpftrace installed; what cannot be had is said."""
    if shutil.which("bpftrace") is None and shutil.which("apt-get"):
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "bpftrace"]
        subprocess.run(install, stdout=subprocess.DEVNULL, check=False)
    found = shutil.which("bpftrace") is not None
    if not found:
        print("# bpftrace cannot be had here: it is left out", file=sys.stderr)
    return found


@contextmanager
def reading(reader: Reader, pid: int, folder: Path) -> Iterator[int]:
    """Run a reader, from when it is attached; its pid."""
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        process = subprocess.Popen(reader.command(pid, folder), stdout=out, stderr=err)
        try:
            wait_for(lambda: reader.ready(folder) or process.poll() is not None)
            if process.poll() is not None:
                raise RuntimeError((folder / "stderr").read_text())
            time.sleep(0.3)  # bpftrace says that it attaches before it has
            yield process.pid
        finally:
            end(process)


def end(process: "subprocess.Popen[bytes]") -> None:
    """Ask a reader to end, more than once: bpftrace may miss the first."""
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=3)
    if process.poll() is None:
        process.kill()


def wait_for(done: Callable[[], bool]) -> None:
    """Wait until `done()`."""
    end = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > end:
            raise TimeoutError("a reader did not get so far")
        time.sleep(0.02)


def cpu_ns(pid: int) -> float:
    """The CPU time of a process so far."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(float((task / "schedstat").read_text().split()[0]) for task in tasks)


def settled(pid: int) -> None:
    """Wait until a process has nothing to do."""
    before = -1.0
    while cpu_ns(pid) - before > 2e6:
        before = cpu_ns(pid)
        time.sleep(0.3)


def run(reader: Reader, fire: Path, count: int, rate: int) -> Figures:
    """Fire `count` events and see what it costs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        words = [str(fire), str(THREADS), str(count), str(rate)]
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as firing:
            with reading(reader, firing.pid, folder) as pid:
                before = cpu_ns(pid)
                said, _ = firing.communicate(b"\n", timeout=PATIENCE)
                settled(pid)
                spent = cpu_ns(pid) - before
                resident = peak_kib(pid)
            written = reader.written(folder)
        return Figures(
            call_ns=float(said),
            reader_ns=spent / max(written, 1),
            lost=100 * (count - written) / count,
            resident_kib=resident,
        )


def peak_kib(pid: int) -> float:
    """The most memory that a process has had."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith("VmHWM")))


def bare_call_ns(fire: Path) -> float:
    """What a call costs that nobody watches."""
    words = [str(fire), str(THREADS), "300000", "0"]
    return float(subprocess.run(words, input=b"\n", capture_output=True, check=True).stdout)


def compared(
    ours: dict[int, list[Figures]], peer: dict[int, list[Figures]], name: str, bare: float
) -> Iterator[Result]:
    """The results of one peer."""

    def result(case: str, unit: str, mine: list[float], theirs: list[float]) -> Result:
        one, other = statistics.median(mine), statistics.median(theirs)
        return Result(
            case=case,
            ours=round(one, 2),
            peer=round(other, 2),
            peer_name=name,
            unit=unit,
            ratio=round(one / other, 3) if other else 0.0,
            rounds=len(mine),
        )

    slow = RATES[0]
    pairs = (ours[slow], peer[slow])
    yield result("reader CPU a record", "ns", *([f.reader_ns for f in side] for side in pairs))
    yield result("added to a call", "ns", *([f.call_ns - bare for f in side] for side in pairs))
    yield result("memory", "KiB", *([f.resident_kib for f in side] for side in pairs))
    for rate in RATES:
        sides = (ours[rate], peer[rate])
        yield result(f"lost at {rate}/s", "%", *([f.lost for f in side] for side in sides))


def add_up(reader: Ours, fire: Path, what: str) -> None:
    """Fire at full speed: what was written and what was counted as lost must be all of it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        words = [str(fire), str(THREADS), str(AT_FULL_SPEED), "0"]
        with (
            subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as firing,
            reading(reader, firing.pid, folder),
        ):
            firing.communicate(b"\n", timeout=PATIENCE)
        written, lost = reader.written(folder), lost_in(folder)
    print(f"# {AT_FULL_SPEED} {what} = {written} written + {lost} lost", file=sys.stderr)
    if written + lost != AT_FULL_SPEED:
        sys.exit(f"{what} do not add up: {written + lost} of {AT_FULL_SPEED}")


def lost_in(folder: Path) -> int:
    """What the loss records of a spool count."""
    records = (
        json.loads(line)
        for path in (folder / "spool").glob("*.log")
        for line in path.read_bytes().split(b"\n")
        if b',"kind":"lost",' in line[:64]
    )
    return sum(int(record["count"]) for record in records)


def main() -> None:
    options = measuring.options(__doc__ or "")
    if os.geteuid() != 0:
        sys.exit("bench/events.py needs root: it attaches BPF programs")
    rounds = measuring.QUICK_ROUNDS if options.quick else measuring.QUICK_ROUNDS * 3
    with tracefs(), tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fire = folder / "fire"
        compile_(["cc", "-O2", "-pthread", "-o", str(fire), str(HERE / "fire.c")])
        builder = Builder(Toolchain.find(), folder / "cache")
        artifact = builder.build(Recipe(source=HERE / "events.bpf.c"))
        lines = builder.build(Recipe(source=HERE / "lines.bpf.c")).loader
        ours = Ours(artifact.loader)
        peers: list[Reader] = [ByHand(folder, artifact.object)]
        peers += [Bpftrace()] if with_bpftrace() else []
        bare = bare_call_ns(fire)
        readers: list[Reader] = [ours, *peers]
        found = {
            reader.name: {
                rate: [run(reader, fire, int(rate * SECONDS), rate) for _ in range(rounds)]
                for rate in RATES
            }
            for reader in readers
        }
        results = [
            result
            for peer in peers
            for result in compared(found[ours.name], found[peer.name], peer.name, bare)
        ]
        measuring.tell(results, as_json=options.json)
        add_up(ours, fire, "events")
        add_up(Ours(lines), fire, "lines")


if __name__ == "__main__":
    main()
