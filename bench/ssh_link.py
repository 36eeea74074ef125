"""What a slow link makes of a no-op: round trips from connect to close, and memory in flight."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import loopback
from loopback import PORT, Fleet

DELAY = 0.025  # seconds each way
LONG = 0.1  # the same for counting round trips: what a busy machine adds counts less then


@contextlib.contextmanager
def relays(fleet: Fleet, delay: float) -> Iterator[subprocess.Popen[str]]:
    """A relay to each host; its standard output tells how long each connection was open."""
    pairs = [f"{loopback.relayed(each)}={each}" for each in fleet.addresses]
    script = str(Path(__file__).with_name("relay.py"))
    command = [sys.executable, script, str(PORT), str(delay), *pairs]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        try:
            if running.stdout is None or running.stdout.readline() != "ready\n":
                raise SystemExit("the relay did not start")
            yield running
        finally:
            running.kill()


def inventory(fleet: Fleet) -> Path:
    """An inventory of the hosts behind the relays."""
    path = fleet.folder / "relayed.json"
    loopback.write_inventory(fleet, path, [loopback.relayed(each) for each in fleet.addresses])
    return path


def round_trips(fleet: Fleet, work: Callable[[], object], *, rounds: int = 5) -> float:
    """How often one connection of `work`, which connects once, waits for its host."""

    def seconds(delay: float) -> float:
        with relays(fleet, delay) as running:
            spent = []
            for _ in range(rounds):
                work()
                spent.append(float(running.stdout.readline()) if running.stdout else 0.0)
            return min(spent)

    return (seconds(LONG) - seconds(0)) / (2 * LONG)


def peak_memory(command: Sequence[str | Path], folder: Path) -> float:
    """The most memory that a command had, in MB."""
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as running:
        _, status, used = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
    if running.returncode:
        raise SystemExit(f"{command}: {running.returncode}")
    return used.ru_maxrss / 1024
