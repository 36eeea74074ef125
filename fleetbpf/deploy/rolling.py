"""Rolling: changes hosts batch by batch, and stops where a batch's end or the operator says so."""

import time
from collections.abc import Callable, Sequence
from dataclasses import field
from typing import Generic, TypeVar

from fleetbpf.deploy import rollout
from fleetbpf.deploy.rollout import Batch
from fleetbpf.errors import Problem
from fleetbpf.fleet.fleet import Outcome
from fleetbpf.frozen import frozen
from fleetbpf.model.target import Target
from fleetbpf.wording import listed

T = TypeVar("T")


@frozen
class Rolled(Generic[T]):
    """What became of a rollout."""

    outcomes: tuple[Outcome[T], ...] = ()  # of the hosts that were begun
    skipped: tuple[Target, ...] = ()  # that were not
    stopped: Problem | None = None  # why there are such; None = all batches were done
    takes_back: bool = False  # what was done is to be undone
    interrupted: bool = False


@frozen
class Rolling(Generic[T]):
    """One way of changing hosts in batches."""

    change: Callable[[Batch], tuple[Outcome[T], ...]]
    failed: Callable[[Outcome[T]], bool]
    changed: Callable[[Outcome[T]], bool]
    say: Callable[[str], None]
    sleep: Callable[[float], None] = field(default=time.sleep)

    def over(self, batches: Sequence[Batch]) -> Rolled[T]:
        """Change one batch after the other until one ends the rollout, or the operator does."""
        outcomes: list[Outcome[T]] = []
        for index, batch in enumerate(batches):
            left = batches[index + 1 :]
            if len(batches) > 1:
                self.say(f"batch {index + 1} of {len(batches)}: {listed(batch.hosts)}")
            found = self.change(batch)
            outcomes += found
            rolled = self.ended(batch, found, left, outcomes)
            if rolled is not None:
                return rolled
            if left and not self.waited(batch, found):
                return interrupted(left[0].hosts[0], left, outcomes)
        return Rolled(outcomes=tuple(outcomes))

    def ended(
        self,
        batch: Batch,
        found: Sequence[Outcome[T]],
        left: Sequence[Batch],
        outcomes: Sequence[Outcome[T]],
    ) -> Rolled[T] | None:
        """The rollout's end, if this batch is it although others were to follow."""
        unfinished = [outcome.host.name for outcome in found if outcome.interrupted]
        if unfinished:
            return interrupted(unfinished[0], left, outcomes)
        why = rollout.verdict(batch, [each.host.name for each in found if self.failed(each)])
        if not why or not (left or batch.rollout.rollback):
            return None
        return Rolled(
            outcomes=tuple(outcomes),
            skipped=tuple(target for following in left for target in following.targets),
            stopped=rollout.stopped(batch, why, left),
            takes_back=batch.rollout.rollback,
        )

    def waited(self, batch: Batch, found: Sequence[Outcome[T]]) -> bool:
        """Pause where the play wants it and something was changed; False when interrupted."""
        if not batch.rollout.pause or not any(map(self.changed, found)):
            return True
        self.say(f"pause of {batch.rollout.pause:g} s")
        try:
            self.sleep(batch.rollout.pause)
        except KeyboardInterrupt:
            return False
        return True


def interrupted(first: str, left: Sequence[Batch], outcomes: Sequence[Outcome[T]]) -> Rolled[T]:
    """A rollout that its operator ended; `first` is the first host that is not done."""
    return Rolled(
        outcomes=tuple(outcomes),
        skipped=tuple(target for batch in left for target in batch.targets),
        stopped=rollout.interrupted(first, left),
        interrupted=True,
    )
