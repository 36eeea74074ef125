"""What hosts have in common, told once: their names in short, their problems and warnings."""

import re
from collections.abc import Iterable, Iterator, Sequence

from fleetbpf.errors import Problem
from fleetbpf.wording import LONGEST_LIST, counted

NUMBER = re.compile(r"([0-9]+)")
SHORTEST_RANGE = 3  # hosts


def share(problems: Iterable[Problem]) -> Iterator[Problem]:
    """Problems of hosts, one for all hosts that share it; what is exactly the same comes once.

    Two hosts keep theirs, which say where each was looked for. Of hints that differ, as they name
    the host, the first one is told.
    """
    found: dict[tuple[str, str], list[Problem]] = {}
    for problem in dict.fromkeys(problems):
        found.setdefault((problem.reason or problem.what, problem.detail), []).append(problem)
    for (reason, _), alike in found.items():
        if len(alike) < SHORTEST_RANGE:
            yield from alike
        else:
            yield join(reason, alike)


def join(reason: str, alike: Sequence[Problem]) -> Problem:
    """The one problem of several hosts."""
    first = alike[0]
    differ = any(problem.hint != first.hint for problem in alike)
    return Problem(
        where=in_short([problem.where for problem in alike]),
        what=f"{reason} ({counted(len(alike), 'host')})",
        hint=f"for {first.where}: {first.hint}" if first.hint and differ else first.hint,
        detail=first.detail,
    )


def remarks(warnings: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Hosts with their warnings, once what several hosts share."""
    found: dict[str, list[str]] = {}
    for host, text in warnings:
        found.setdefault(text, []).append(host)
    yield from (f"{in_short(hosts)}: warning: {text}" for text, hosts in found.items())


def in_short(names: Sequence[str]) -> str:
    """Hosts in a row; neighbours as an inventory writes them: node[01:20].dc1."""
    runs: list[Run] = []
    for name in names:
        if not runs or not runs[-1].takes(name):
            runs.append(Run(name))
    parts = [(part, count) for run in runs for part, count in run.shown()]
    shown = ", ".join(part for part, _ in parts[:LONGEST_LIST])
    more = sum(count for _, count in parts[LONGEST_LIST:])
    return f"{shown} and {more} more" if more else shown


class Run:
    """Neighbours: names that differ in one number, which is one more each time."""

    def __init__(self, name: str) -> None:
        self.names = [name]
        self.place: int | None = None  # of the number, among the parts of a name

    def takes(self, name: str) -> bool:
        """Whether a name is the next neighbour; it is one of the run then."""
        place = step(self.names[-1], name)
        if place is None or self.place not in (None, place):
            return False
        self.place = place
        self.names.append(name)
        return True

    def shown(self) -> Sequence[tuple[str, int]]:
        """The names, or one range when that is shorter, each with how many hosts it names."""
        if len(self.names) < SHORTEST_RANGE or self.place is None:
            return [(name, 1) for name in self.names]
        first, last = NUMBER.split(self.names[0]), NUMBER.split(self.names[-1])
        before, after = "".join(first[: self.place]), "".join(first[self.place + 1 :])
        return [(f"{before}[{first[self.place]}:{last[self.place]}]{after}", len(self.names))]


def step(before: str, name: str) -> int | None:
    """Where a name has a number that is one more, as one counts; None if more differs."""
    one, other = NUMBER.split(before), NUMBER.split(name)
    differ = [
        place for place, parts in enumerate(zip(one, other, strict=False)) if len({*parts}) > 1
    ]
    if len(one) != len(other) or len(differ) != 1 or differ[0] % 2 == 0:
        return None
    was, now = one[differ[0]], other[differ[0]]
    follows = str(int(was) + 1).rjust(len(was), "0") == now
    return differ[0] if follows else None
