"""A terminal for tests: a real pseudo-terminal with a command in it, and its screen as text."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyte


class Terminal:
    """A command that believes a person looks at it."""

    def __init__(self, process: subprocess.Popen[bytes], descriptor: int, *, rows: int) -> None:
        self.process = process
        self.output = b""
        self._descriptor = descriptor
        self._screen = pyte.Screen(80, rows)
        self._stream = pyte.ByteStream(self._screen)

    @property
    def lines(self) -> list[str]:
        """What stands on the screen, without empty lines at its end."""
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip("\n").split("\n")

    @property
    def cursor_hidden(self) -> bool:
        return bool(self._screen.cursor.hidden)

    @property
    def echoes(self) -> bool:
        """Whether the terminal shows what a person types."""
        return bool(termios.tcgetattr(self._descriptor)[3] & termios.ECHO)

    def type(self, keys: bytes) -> None:
        os.write(self._descriptor, keys)

    def resize(self, *, rows: int, columns: int) -> None:
        """Make the window another size, as a person does with the mouse."""
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self._descriptor, termios.TIOCSWINSZ, size)
        self._screen.resize(rows, columns)

    def watch(self, until: Callable[[], bool], *, seconds: float = 120) -> None:
        """Show what comes until `until` is true, or the command has ended."""
        deadline = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < deadline, "\n".join(self.lines)
            if not self._take():
                return

    def wait(self) -> int:
        """The command's exit status, when all it said is on the screen."""
        self.watch(lambda: False)
        return self.process.wait(60)

    def _take(self) -> bool:
        if not select.select([self._descriptor], [], [], 0.2)[0]:
            return True
        try:
            piece = os.read(self._descriptor, 65536)
        except OSError:  # EIO: nobody has the other end open any more
            return False
        self.output += piece
        self._stream.feed(piece)
        return bool(piece)


@contextmanager
def terminal(words: Sequence[str], *, cwd: Path, rows: int = 16) -> Iterator[Terminal]:
    """Run a command on a terminal of its own, 80 columns wide."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, 80, 0, 0))
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "", "LINES": ""}
    environment = {name: text for name, text in environment.items() if name != "CI" and text}
    process = subprocess.Popen(
        # A session of its own, with this terminal as the one whose Ctrl-C reaches it.
        ["setsid", "--ctty", *words],
        cwd=cwd,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    try:
        yield Terminal(process, ours, rows=rows)
    finally:
        process.kill()
        process.wait(60)
        os.close(ours)
