"""What is fuzzed of the part in Python: a reader of what others say, and true texts for it."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

Mutation = Callable[[bytes, random.Random], bytes]
Read = Callable[[bytes, Path], object]  # a text, and an empty folder; raises what is expected


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One reader, and how its texts are changed."""

    name: str
    originals: Callable[[], Sequence[bytes]]  # in the same order each time: seeds name them
    read: Read
    refused: tuple[type[Exception], ...]  # how it says that it does not take something
    mutate: Mutation


Targets = Mapping[str, Target]


def named(*targets: Target) -> Targets:
    """Targets by their names."""
    return {target.name: target for target in targets}
