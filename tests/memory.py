"""How much memory a command takes, for tests that bound it."""

from contextlib import suppress
from pathlib import Path


def high_water(pid: int) -> float:
    """The most memory that a process has had since its exec, in MB; 0 once it has ended.

    What wait4(2) tells of a child is at least what its parent had at most, before its exec.
    """
    with suppress(OSError):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return sum(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))
    return 0.0
