"""Whether a guest gets on: its console grows, or its QEMU uses the processor."""

from pathlib import Path

from fleetbpf.frozen import frozen
from fleetbpf.lab import processes

# Seen with QEMU 7.2: a guest that is idle uses 2 s of a processor in ten minutes, and a boot 5 s
# (micro) or 17 s (debian) in all, however long a busy machine takes for it.
STEP = 10.0  # seconds of a processor that count as progress
PATIENCE = 600.0  # seconds without progress until the guest is called stuck


@frozen
class Signs:
    """What a guest shows of itself at one moment."""

    at: float  # time.monotonic()
    console: int  # bytes that it has said
    processor: float  # seconds of a processor that its QEMU has used


def look(console: Path, pid: int, *, now: float) -> Signs:
    """The guest's signs now; those of a QEMU that has ended stand still."""
    said = console.stat().st_size if console.exists() else 0
    return Signs(at=now, console=said, processor=processes.processor_seconds(pid))


def latest(before: Signs, now: Signs) -> Signs:
    """The signs of the guest when it last got on, as far as known."""
    got_on = now.console != before.console or now.processor - before.processor >= STEP
    return now if got_on else before


def is_stuck(last: Signs, now: Signs, *, patience: float) -> bool:
    """Whether the guest has not got on for so long that somebody must look at it."""
    return now.at - last.at > patience
