"""A plan as people read it: a row that hosts share is one, what stays is only counted."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from fleetbpf.errors import Problem
from fleetbpf.frozen import frozen
from fleetbpf.plan import Action, Cause, Change
from fleetbpf.wording import counted, listed

SIGNS = {Action.CREATE: "+", Action.UPDATE: "~", Action.DELETE: "-", Action.NONE: " "}
NUMBERED = re.compile(r"(.*?)([0-9]+)([^0-9]*)", re.DOTALL)
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
        yield from (f"    {line}" for line in self.diff.splitlines())


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
        yield from (f"    {line}" for line in problem.detail.splitlines())
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
    """Hosts in a row; neighbours as an inventory writes them: web[01:20]."""
    runs: list[list[str]] = []
    for name in names:
        if runs and follows(name, runs[-1][-1]):
            runs[-1].append(name)
        else:
            runs.append([name])
    return listed([part for run in runs for part in shortened(run)])


def follows(name: str, before: str) -> bool:
    """Whether a name is another one with a number that is one more, of as many digits."""
    one, other = NUMBERED.fullmatch(before), NUMBERED.fullmatch(name)
    if not one or not other or (one[1], one[3]) != (other[1], other[3]):
        return False
    return len(one[2]) == len(other[2]) and int(other[2]) == int(one[2]) + 1


def shortened(run: Sequence[str]) -> Sequence[str]:
    """Neighbours as one range, when that is shorter."""
    first, last = NUMBERED.fullmatch(run[0]), NUMBERED.fullmatch(run[-1])
    if len(run) < SHORTEST_RANGE or not first or not last:
        return run
    return [f"{first[1]}[{first[2]}:{last[2]}]{first[3]}"]
