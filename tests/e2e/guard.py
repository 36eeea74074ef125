"""Takes labs down at the end of a run, however it ends, from outside of pytest's processes.

pytest-xdist kills its workers 5 to 10 s after a Ctrl-C, and whoever kills the workers leaves no
fixture the time for anything. The guard is a process in a session of its own, which reads folders
of labs from a pipe, one a line. Only a worker, and the `fleetbpf lab` commands that it runs, have
the write end. When the last of them is gone, whatever has ended it, the guard takes down the labs.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

REPOSITORY = Path(__file__).parents[2]
DOWN_SECONDS = 1200.0  # for one lab: `lab down` waits for a `lab up` that still runs


class Guard:
    """The guard's end in the tests: it is told of every lab before the lab is there."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe

    def fileno(self) -> int:
        """The pipe: the guard waits for whoever has it."""
        return self._pipe.fileno()

    def watch(self, folder: Path) -> None:
        """Have the lab of this folder taken down at the end, if one is there then."""
        self._pipe.write(os.fsencode(folder.absolute()) + b"\n")
        self._pipe.flush()


@contextmanager
def guarded(log: Path) -> Iterator[Guard]:
    """A guard, which says in `log` what it does; at the end it has taken down all labs."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.guard"],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    if process.stdin is None:
        raise ValueError("the guard must have a pipe")
    try:
        yield Guard(process.stdin)
    finally:
        process.stdin.close()
        process.wait()


def main() -> None:
    """Read folders until the pipe ends, then take their labs down."""
    for each in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)  # whoever ends the tests this way wants no lab to stay
    folders = dict.fromkeys(Path(os.fsdecode(line.rstrip(b"\n"))) for line in sys.stdin.buffer)
    for folder in filter(Path.is_dir, folders):
        words = (sys.executable, "-m", "fleetbpf", "lab", "down")
        subprocess.run(words, cwd=folder, check=False, timeout=DOWN_SECONDS)


if __name__ == "__main__":
    main()
