"""A plan as people read it: a row that hosts share is one, what stays is only counted."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from fleetbpf.errors import Problem
from fleetbpf.fleet.in_common import SHORTEST_RANGE, in_short
from fleetbpf.frozen import frozen
from fleetbpf.plan.plan import Action, Cause, Change
from fleetbpf.wording import counted

SIGNS = {Action.CREATE: "+", Action.UPDATE: "~", Action.DELETE: "-", Action.NONE: " "}


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


def unplanned(problem: Problem) -> Iterator[str]:
    """The row of a host, or several, of which nothing is known."""
    yield f"? {problem.where}: not planned: {problem.what}"
    yield from (f"  {line}" for line in problem.details())
    yield from ([f"    hint: {problem.hint}"] if problem.hint else [])


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
