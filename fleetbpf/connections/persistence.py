"""Trying again to connect where the reason of a failure may pass, after pauses that differ."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from fleetbpf.errors import TransientError

T = TypeVar("T")
ATTEMPTS = 4

Jitter = Callable[[float, float], float]


def persistently(
    attempt: Callable[[float], T],
    *,
    timeout: float,
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], float] = time.monotonic,
    jitter: Jitter = random.uniform,
) -> T:
    """What `attempt` returns, which is called with the seconds that are left of `timeout`.

    Only TransientError leads to another attempt, and says how long the first pause is. The pauses
    are spread, because hosts that were turned away together would come back together.
    """
    deadline = now() + timeout
    left = timeout
    for number in range(ATTEMPTS - 1):
        try:
            return attempt(left)
        except TransientError as error:
            pause = error.pause * 2**number * jitter(0.5, 1.5)
            left = round(deadline - now() - pause, 1)
            if left <= 0:
                raise
            sleep(pause)
    return attempt(left)
