"""The mutant that a target and a seed name: the same on each machine, in each run."""

import functools
import random
from collections.abc import Sequence

from tests.fuzz.target import Target

AS_IT_IS = 0.01  # of all: true texts, of which a reader must take each


@functools.cache
def originals(target: Target) -> Sequence[bytes]:
    """The true texts, made once in each process."""
    found = tuple(target.originals())
    assert found, f"no true text for {target.name}"
    return found


def mutant(target: Target, seed: int) -> bytes:
    """One true text, changed as the seed says."""
    chance = random.Random(f"{target.name} {seed}")
    original = chance.choice(originals(target))
    return original if chance.random() < AS_IT_IS else target.mutate(original, chance)
