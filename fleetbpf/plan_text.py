"""A plan as people read it: a row that hosts share is one, what stays is only counted."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from fleetbpf.errors import Problem
from fleetbpf.frozen import frozen
from fleetbpf.plan import Action, Cause, Change
from fleetbpf.wording import counted, listed

SIGNS = {Action.CREATE: "+", Action.UPDATE: "~", Action.DELETE: "-", Action.NONE: " "}
NUMBER = re.compile(r"([0-9]+)")
SHORTEST_RANGE = 3  # hosts


@frozen
class Row:
    """What several hosts have in common."""

    program: str
    action: Action
    why: tuple[str, ...]
    obstacles: tuple[str, ...]
    hints: tuple[str, ...]
    diff: str

    @classmethod
    def of(cls, change: Change) -> "Row":
        """The row of one change, without its host."""
        moved = change.cause is Cause.MOVED and change.moves
        hints = dict.fromkeys(found.hint for found in change.obstacles if found.hint)
        return cls(
            program=change.program,
            action=change.action,
            why=tuple(map(str, change.moves)) if moved else (change.reason,),
            obstacles=tuple(found.what for found in change.obstacles),
            hints=tuple(hints),
            diff=change.diff,
        )

    @property
    def sign(self) -> str:
        """Its first character."""
        return "!" if self.obstacles else SIGNS[self.action]

    def lines(self, hosts: Sequence[str]) -> Iterator[str]:
        """The row with the hosts that share it."""
        count = f" ({len(hosts)} hosts)" if len(hosts) > SHORTEST_RANGE else ""
        yield f"{self.sign} {self.program}: {self.action.value} on {in_short(hosts)}{count}"
        yield from (f"    {line}" for line in self.why)
        yield from (f"    not possible: {line}" for line in self.obstacles)
        yield from (f"    hint: {line}" for line in self.hints)
        yield from (f"    {line}" for line in self.diff.split("\n") if self.diff)


def rows(changes: Iterable[Change]) -> dict[Row, list[str]]:
    """The rows of a plan, each with its hosts, in the order in which they come up."""
    found: dict[Row, list[str]] = {}
    for change in changes:
        if change.wanted:
            found.setdefault(Row.of(change), []).append(change.host)
    return found


def unplanned(host: str, problems: Iterable[Problem]) -> Iterator[str]:
    """The row of a host of which nothing is known."""
    for problem in problems:
        yield f"? {host}: not planned: {problem.what}"
        yield from (f"  {line}" for line in problem.details())
        yield from ([f"    hint: {problem.hint}"] if problem.hint else [])


def remarks(warnings: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Hosts with their warnings, once what several hosts share."""
    found: dict[str, list[str]] = {}
    for host, text in warnings:
        found.setdefault(text, []).append(host)
    yield from (f"{in_short(hosts)}: warning: {text}" for text, hosts in found.items())


def summary(changes: Iterable[Change], *, errors: int = 0) -> str:
    """The last line: how many changes of which kind. errors: hosts of which nothing is known."""
    changes = tuple(changes)
    counts = Counter(change.action for change in changes if not change.obstacles)
    blocked = sum(bool(change.obstacles) for change in changes)
    text = (
        f"Plan: {counts[Action.CREATE]} to create, {counts[Action.UPDATE]} to update, "
        f"{counts[Action.DELETE]} to delete, {counts[Action.NONE]} unchanged"
    )
    text += f", {blocked} impossible" if blocked else ""
    return f"{text}, {counted(errors, 'host')} not planned" if errors else text


def in_short(names: Sequence[str]) -> str:
    """Hosts in a row; neighbours as an inventory writes them: node[01:20].dc1."""
    runs: list[Run] = []
    for name in names:
        if not runs or not runs[-1].takes(name):
            runs.append(Run(name))
    return listed([part for run in runs for part in run.shown()])


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

    def shown(self) -> Sequence[str]:
        """The names, or one range when that is shorter."""
        if len(self.names) < SHORTEST_RANGE or self.place is None:
            return self.names
        first, last = NUMBER.split(self.names[0]), NUMBER.split(self.names[-1])
        before, after = "".join(first[: self.place]), "".join(first[self.place + 1 :])
        return [f"{before}[{first[self.place]}:{last[self.place]}]{after}"]


def step(before: str, name: str) -> int | None:
    """Where a name has a number that is one more, of as many digits; None if more differs."""
    one, other = NUMBER.split(before), NUMBER.split(name)
    differ = [
        place for place, parts in enumerate(zip(one, other, strict=False)) if len({*parts}) > 1
    ]
    if len(one) != len(other) or len(differ) != 1 or differ[0] % 2 == 0:
        return None
    was, now = one[differ[0]], other[differ[0]]
    return differ[0] if len(was) == len(now) and int(now) == int(was) + 1 else None
