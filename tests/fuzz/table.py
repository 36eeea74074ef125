"""All readers, runs of them on every processor, and the table of what was found."""

import multiprocessing
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from multiprocessing import connection as wires
from typing import Any

from fleetbpf.limits import MIB
from tests.fuzz import from_hosts, from_operators
from tests.fuzz.target import Target, Targets
from tests.fuzz.worker import Finding, Outcome, serve

TARGETS: Targets = {**from_hosts.TARGETS, **from_operators.TARGETS}
CHUNK = 100  # texts that a process reads until it tells
PATIENCE = 3600.0  # seconds for so many, until its process is ended
HEADERS = ("reader", "texts", "taken", "refused", "found", "ms each", "peak MiB")

Order = tuple[str, int, int]  # target, first seed, number


@dataclass(slots=True)
class Total:
    """What became of all texts, by reader; each kind of fault once."""

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    findings: dict[tuple[str, str], Finding] = field(default_factory=dict)

    def add(self, outcome: Outcome) -> Iterator[Finding]:
        """Count an outcome; what is new in it."""
        known = self.outcomes.setdefault(outcome.target, Outcome(target=outcome.target))
        known.taken += outcome.taken
        known.refused += outcome.refused
        known.seconds += outcome.seconds
        known.peak = max(known.peak, outcome.peak)
        known.findings += outcome.findings
        for found in outcome.findings:
            if self.findings.setdefault((found.kind, found.place), found) is found:
                yield found


class Process:
    """One worker, and what it is at."""

    def __init__(self, targets: Mapping[str, Target]) -> None:
        context = multiprocessing.get_context("fork")
        self.wire, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, dict(targets)), daemon=True)
        self.process.start()
        theirs.close()
        self.order: Order | None = None
        self.since = 0.0

    def begin(self, order: Order) -> None:
        """Give it something to do."""
        self.order, self.since = order, time.monotonic()
        self.wire.send(order)

    def end(self) -> None:
        """End it, whatever it is at."""
        self.process.kill()
        self.process.join()
        self.wire.close()


def orders(names: Iterable[str], first: int, cases: int) -> Iterator[Order]:
    """All texts in chunks, one reader after the other, again and again."""
    chosen = list(names)
    each = -(-cases // len(chosen))
    for begun in range(0, each, CHUNK):
        for name in chosen:
            yield name, first + begun, min(CHUNK, each - begun)


def run(
    targets: Mapping[str, Target],
    work: Iterator[Order],
    *,
    tell: Callable[[Finding], object],
    workers: int | None = None,
) -> Total:
    """Do all the work on so many processes (as many as there are processors); found is told."""
    total = Total()
    crew = [Process(targets) for _ in range(workers or os.cpu_count() or 1)]
    try:
        for process in crew:
            begin_next(process, work)
        while busy := {each.wire: each for each in crew if each.order is not None}:
            ready: list[Any] = wires.wait(list(busy), timeout=10.0)
            late = [w for w in busy if time.monotonic() - busy[w].since > PATIENCE]
            for wire in dict.fromkeys((*ready, *late)):
                process = busy[wire]
                outcome = answer(process)
                if outcome.findings and outcome.findings[0].kind == "death":
                    process.end()
                    crew[crew.index(process)] = process = Process(targets)
                for found in total.add(outcome):
                    tell(found)
                begin_next(process, work)
    finally:
        for process in crew:
            process.end()
    return total


def begin_next(process: Process, work: Iterator[Order]) -> None:
    """Give a process the next chunk, if there is one."""
    process.order = None
    order = next(work, None)
    if order is not None:
        process.begin(order)


def answer(process: Process) -> Outcome:
    """What became of a chunk; that its process died over it, or had to be ended."""
    name, first, number = process.order or ("", 0, 0)
    try:
        if process.wire.poll():
            found: Outcome = process.wire.recv()
            return found
    except (EOFError, OSError):
        pass
    detail = f"within {number} texts, exit status {process.process.exitcode}"
    dead = Finding(target=name, kind="death", place=name, seed=first, detail=detail)
    return Outcome(target=name, findings=[dead])


def lines(total: Total) -> Iterator[str]:
    """The table, a row for each reader, and the sum."""
    rows = [HEADERS, *map(cells, total.outcomes.values())]
    rows.append(("all", f"{sum(each.cases for each in total.outcomes.values())}", *[""] * 5))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        name, *numbers = (cell.ljust(w) for cell, w in zip(row, widths, strict=True))
        yield "  ".join((name, *(cell.strip().rjust(len(cell)) for cell in numbers))).rstrip()


def cells(outcome: Outcome) -> tuple[str, ...]:
    """One reader's row."""
    each = 1000 * outcome.seconds / max(outcome.cases, 1)
    counts = (outcome.cases, outcome.taken, outcome.refused, len(outcome.findings))
    return (outcome.target, *map(str, counts), f"{each:.1f}", str(outcome.peak // MIB))


def told(found: Finding) -> str:
    """A fault in one line, with the words that show it again."""
    again = f"python -m tests.fuzz --cases 1 --only {found.target} --first {found.seed}"
    return f"{found.kind} in {found.target}: {found.place} ({found.detail})\n  {again}"
