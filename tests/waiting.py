"""Waiting for a condition with a generous deadline, because machines are shared and slow."""

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], bool], *, seconds: float = 120.0, what: str) -> None:
    """Return when `condition()` is true; AssertionError naming `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"still not so after {seconds:.0f} s: {what}")
        time.sleep(0.1)
