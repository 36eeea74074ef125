"""Rounds of ours and the peer's in turn, their medians, a table or JSON, and the machine."""

import argparse
import compileall
import json
import os
import platform
import resource
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import fleetbpf

QUICK_ROUNDS = 3
ROUNDS = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Two ways to the same end; each call is one round and returns what it cost, in `unit`."""

    name: str
    ours: Callable[[], float]
    peer: Callable[[], float]
    peer_name: str
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The medians of a case."""

    case: str
    ours: float
    peer: float
    peer_name: str
    unit: str
    ratio: float  # ours ÷ peer: below 1 we are cheaper
    rounds: int


def options(description: str, *, hosts: int = 3) -> argparse.Namespace:
    """The command line that every benchmark has; from now on fleetbpf is as pip installs it.

    SIGTERM ends a benchmark as Ctrl-C does: with all that it has started.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    compileall.compile_dir(str(Path(fleetbpf.__file__).parent), quiet=1)
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    parser.add_argument(
        "--hosts", type=int, default=hosts, metavar="N", help="hosts, where it matters"
    )
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROUNDS} rounds")
    parser.add_argument("--peers", metavar="NAME,…", help="only these, where there are several")
    return parser.parse_args()


def measure(cases: Iterable[Case], *, rounds: int) -> list[Result]:
    """Run every case: one round of each side that does not count, then `rounds` in turn."""
    return [measure_case(case, rounds=rounds) for case in cases]


def measure_case(case: Case, *, rounds: int) -> Result:
    """Run one case."""
    case.ours()
    case.peer()
    pairs = [(case.ours(), case.peer()) for _ in range(rounds)]
    ours = statistics.median(pair[0] for pair in pairs)
    peer = statistics.median(pair[1] for pair in pairs)
    return Result(
        case=case.name,
        ours=round(ours, 3),
        peer=round(peer, 3),
        peer_name=case.peer_name,
        unit=case.unit,
        ratio=round(ours / peer, 3) if peer else 0.0,
        rounds=rounds,
    )


def tell(results: Sequence[Result], *, as_json: bool) -> None:
    """Print the results, and on standard error the machine they are from."""
    print(f"# {machine()}", file=sys.stderr)
    if as_json:
        print(json.dumps([asdict(result) for result in results], indent=2))
        return
    rows = [("case", "ours", "peer", "unit", "ratio", "rounds", "against")]
    rows += [
        (r.case, f"{r.ours:g}", f"{r.peer:g}", r.unit, f"{r.ratio:g}", str(r.rounds), r.peer_name)
        for r in results
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )


def machine() -> str:
    """The machine in one line."""
    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    model = models[0] if models else platform.machine()
    python = platform.python_version()
    return (
        f"{os.cpu_count()} × {model}, {memory:.0f} GiB, Linux {platform.release()}, Python {python}"
    )


def wall_ms(work: Callable[[], object]) -> float:
    """How long `work` takes, in milliseconds."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def cpu_ms(command: Sequence[str], *, environment: Mapping[str, str] | None = None) -> float:
    """The CPU time, user and system, of a command and its children, in milliseconds."""
    return cpu_of(
        lambda: subprocess.run(command, stdout=subprocess.DEVNULL, check=True, env=environment)
    )


def cpu_of(work: Callable[[], object]) -> float:
    """The CPU time of all processes that `work` starts and waits for, in milliseconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    user, system = after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime
    return (user + system) * 1000
