"""A process that reads mutants one by one, within bounds of memory and time, and tells the rest.

A reader may take a text or say what is wrong with it. All else is found: what it raises beside
that (a traceback for whoever gave the text), a hang, and memory beyond what any limit allows.
"""

import ctypes
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import connection as wires
from pathlib import Path
from typing import Any

from fleetbpf.limits import MIB
from tests.fuzz.mutants import mutant, originals
from tests.fuzz.target import Target
from tests.memory import high_water

CPU_SECONDS, WALL_SECONDS = 30.0, 1800.0  # for one text: most take milliseconds, 200,000 hosts 13 s
MOST = 256 * MIB  # of memory, beside what the process has before: fleetbpf.limits are below it
CLEAR, PEAK = Path("/proc/self/clear_refs"), "5"  # proc(5): the peak is what is had now
OUR_FOLDERS = ("/fleetbpf/", "/tests/")


class HangError(BaseException):
    """A text takes too long; no `except Exception` hides it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a text led to that it must not."""

    target: str
    kind: str  # "traceback", "hang", "growth", "death"
    place: str  # one for each kind of fault
    seed: int
    detail: str = ""


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What became of some texts."""

    target: str
    taken: int = 0
    refused: int = 0
    seconds: float = 0.0  # of CPU
    slowest: float = 0.0  # of CPU, for one text
    peak: int = 0  # bytes of memory
    findings: list[Finding] = field(default_factory=list)

    def count(self, found: Finding | bool) -> None:
        """Count one more."""
        if isinstance(found, Finding):
            self.findings.append(found)
        elif found:
            self.taken += 1
        else:
            self.refused += 1

    @property
    def cases(self) -> int:
        """How many were read."""
        return self.taken + self.refused + len(self.findings)


def run(target: Target, seeds: range, folder: Path, *, seconds: float = CPU_SECONDS) -> Outcome:
    """Read the mutants of these seeds, each in an empty folder and within so many of CPU."""
    outcome = Outcome(target=target.name)
    originals(target)  # to compile an object takes its time, of no mutant's
    CLEAR.write_text(PEAK, encoding="ascii")
    began, before = time.process_time(), peak()
    for seed in seeds:
        place = folder / "case"
        place.mkdir()
        started = time.process_time()
        found = read(target, seed, place, seconds)
        outcome.slowest = max(outcome.slowest, time.process_time() - started)
        shutil.rmtree(place)
        grown = peak() - before
        if grown > MOST and not isinstance(found, Finding):
            detail = f"{grown // MIB} MiB more"
            found = Finding(
                target=target.name, kind="growth", place=target.name, seed=seed, detail=detail
            )
            CLEAR.write_text(PEAK, encoding="ascii")
        outcome.count(found)
    outcome.seconds, outcome.peak = time.process_time() - began, peak()
    return outcome


def read(target: Target, seed: int, place: Path, seconds: float) -> Finding | bool:
    """Read one mutant: what is found in it, or whether it is taken."""
    content = mutant(target, seed)
    try:
        with limited_time(seconds):
            target.read(content, place)
    except target.refused:
        return False
    except HangError as error:
        return finding(target, "hang", seed, error)
    except MemoryError as error:
        return finding(target, "growth", seed, error)
    except Exception as error:
        return finding(target, "traceback", seed, error)
    return True


def finding(target: Target, kind: str, seed: int, error: BaseException) -> Finding:
    """An error and the deepest place of ours that it came from."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [
        each
        for each in frames
        if each.name != "over" and any(part in each.filename for part in OUR_FOLDERS)
    ]
    last = (ours or list(frames))[-1]
    name = "/".join(Path(last.filename).parts[-2:])
    place = f"{name}:{last.lineno} {last.name}: {type(error).__name__}"
    return Finding(target=target.name, kind=kind, place=place, seed=seed, detail=f"{error}"[:200])


@contextmanager
def limited_time(seconds: float) -> Iterator[None]:
    """Raise HangError in what takes too long within."""

    def over(number: int, _: object) -> None:
        raise HangError(signal.Signals(number).name)

    for number in (signal.SIGPROF, signal.SIGALRM):
        signal.signal(number, over)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, WALL_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)


def peak() -> int:
    """The most memory that this process has had since its peak was cleared, in bytes."""
    return int(high_water(os.getpid()) * MIB)


def limit_memory() -> None:
    """Let what would take far too much end in MemoryError, and not take the machine's."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    most = pages * resource.getpagesize() + 4 * MOST
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def silence() -> None:
    """What commands say to people goes nowhere; it is said all the same."""
    sys.stdout.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.stdout = open(os.devnull, "w", encoding="utf-8", errors="backslashreplace")  # noqa: SIM115, PTH123


def serve(wire: "wires.Connection[Any, Any]", targets: dict[str, Target]) -> None:
    """Do what comes over the wire, `(target, first, number)`, until None does."""
    for number in (signal.SIGINT, signal.SIGTERM):  # the parent ends it
        signal.signal(number, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    silence()
    limit_memory()
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        os.environ |= {"XDG_CONFIG_HOME": folder, "XDG_STATE_HOME": folder}
        while (order := wire.recv()) is not None:
            name, first, number = order
            wire.send(run(targets[name], range(first, first + number), Path(folder)))
