"""Waiting for a condition with a generous deadline, because machines are shared and slow."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path


def wait_until(condition: Callable[[], bool], *, seconds: float = 120.0, what: str) -> None:
    """Return when `condition()` is true; AssertionError naming `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"still not so after {seconds:.0f} s: {what}")
        time.sleep(0.1)


def pause(pid: int) -> None:
    """Stop a process, which happens when it is its turn to run."""
    os.kill(pid, signal.SIGSTOP)
    stat = Path("/proc", str(pid), "stat")
    wait_until(lambda: stat.read_text().rpartition(") ")[2][0] == "T", what=f"{pid} stops")
