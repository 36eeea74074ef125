"""All readers, runs of them on every processor, and the table of what was found."""

import itertools
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
TELL_EACH = 30.0  # seconds from one line of progress to the next
HEADERS = ("reader", "texts", "taken", "refused", "found", "ms each", "slowest ms", "peak MiB")
# Readers that take milliseconds for a text get fewer, those that take tens of them fewest.
SHARES = {
    **dict.fromkeys(("facts", "stream", "further-stream", "segment", "object", "manifest"), 4),
    **dict.fromkeys(("inventory-yaml", "inventory-ini", "inventory-any", "group-variables"), 4),
    **dict.fromkeys(("host-list", "settings", "word", "ssh-config"), 4),
    **dict.fromkeys(("pattern", "template"), 1),
}
SHARE = 8  # of all others

ENOUGH = CHUNK  # texts of which a reader takes some, or it is given nothing worth reading

Order = tuple[str, int, int]  # target, first seed, number


@dataclass(slots=True)
class Total:
    """What became of all texts, by reader; each kind of fault once."""

    done: int = 0  # texts of the plan, from its first on, that all were read
    interrupted: bool = False
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    findings: dict[tuple[str, str], Finding] = field(default_factory=dict)

    def add(self, outcome: Outcome) -> Iterator[Finding]:
        """Count an outcome; what is new in it."""
        known = self.outcomes.setdefault(outcome.target, Outcome(target=outcome.target))
        known.taken += outcome.taken
        known.refused += outcome.refused
        known.seconds += outcome.seconds
        known.slowest = max(known.slowest, outcome.slowest)
        known.peak = max(known.peak, outcome.peak)
        known.findings += outcome.findings
        for found in outcome.findings:
            if self.findings.setdefault((found.kind, found.place), found) is found:
                yield found

    @property
    def blind(self) -> list[str]:
        """Readers that took none of many texts: all had one fault, so nothing was tried."""
        return [
            name
            for name, outcome in self.outcomes.items()
            if not outcome.taken and outcome.refused >= ENOUGH
        ]

    @property
    def progress(self) -> str:
        """How much was read and found, in one line."""
        read = sum(each.cases for each in self.outcomes.values())
        return f"{read} texts read, {len(self.findings)} kinds of faults"


class Work:
    """The orders in their plan's order, and how many texts were given out."""

    def __init__(self, orders: Iterator[Order]) -> None:
        self.orders = orders
        self.given = 0

    def begin(self, process: "Process") -> None:
        """Give a process the next order, if there is one."""
        process.order, process.offset = None, self.given
        order = next(self.orders, None)
        if order is not None:
            process.begin(order)
            self.given += order[2]


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
        self.offset = 0  # texts of the plan before its order

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
    """All texts in chunks, one reader after the other, again and again, each by its share."""
    shares = {name: SHARES.get(name, SHARE) for name in names}
    most = {name: -(-cases * share // sum(shares.values())) for name, share in shares.items()}
    for turn in itertools.count():
        if all(turn * CHUNK * share >= most[name] for name, share in shares.items()):
            return
        for name, share in shares.items():
            begun, end = (min(n * CHUNK * share, most[name]) for n in (turn, turn + 1))
            for at in range(begun, end, CHUNK):
                yield name, first + at, min(CHUNK, end - at)


def without(skipped: int, work: Iterator[Order]) -> Iterator[Order]:
    """The orders after so many texts, of which the last order's are not cut."""
    for order in work:
        if skipped < order[2]:
            yield order
        skipped = max(0, skipped - order[2])


def run(
    targets: Mapping[str, Target],
    work: Iterator[Order],
    *,
    tell: Callable[[str], object],
    workers: int | None = None,
) -> Total:
    """Do all the work on so many processes (as many as there are processors).

    What is found is told at once, and how far it is every 30 s. Ctrl-C ends it with what there is.
    """
    total, plan = Total(), Work(work)
    crew = [Process(targets) for _ in range(workers or os.cpu_count() or 1)]
    try:
        for process in crew:
            plan.begin(process)
        told_at = time.monotonic()
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
                    tell(told(found))
                plan.begin(process)
            if time.monotonic() - told_at > TELL_EACH:
                told_at = time.monotonic()
                tell(total.progress)
    except KeyboardInterrupt:
        total.interrupted = True
    finally:
        total.done = min((p.offset for p in crew if p.order is not None), default=plan.given)
        for process in crew:
            process.end()
    return total


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
    rows.append(("all", f"{sum(each.cases for each in total.outcomes.values())}", *[""] * 6))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        name, *numbers = (cell.ljust(w) for cell, w in zip(row, widths, strict=True))
        yield "  ".join((name, *(cell.strip().rjust(len(cell)) for cell in numbers))).rstrip()


def cells(outcome: Outcome) -> tuple[str, ...]:
    """One reader's row."""
    each = 1000 * outcome.seconds / max(outcome.cases, 1)
    slowest = f"{1000 * outcome.slowest:.0f}"
    counts = (outcome.cases, outcome.taken, outcome.refused, len(outcome.findings))
    return (outcome.target, *map(str, counts), f"{each:.1f}", slowest, str(outcome.peak // MIB))


def told(found: Finding) -> str:
    """A fault in one line, with the words that show it again."""
    again = f"python -m tests.fuzz --cases 1 --only {found.target} --first {found.seed}"
    return f"{found.kind} in {found.target}: {found.place} ({found.detail})\n  {again}"
