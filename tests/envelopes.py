"""Envelopes as hosts see them: what a simulated host reads, and what it says around its answers."""

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleetbpf.connections.envelope import LEAD

if TYPE_CHECKING:
    import asyncssh

SIZE = re.compile(r"dd bs=(\d+) ")
MARK = re.compile(rb"^answer_mark=([0-9a-f]+)$", re.MULTILINE)
ARGUMENTS = re.compile(r"^set -- (.*?)\n", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A command that has arrived."""

    mark: bytes
    text: str

    @property
    def begin(self) -> bytes:
        """What is said before the answer."""
        return b"\x1e%s\n" % self.mark

    @property
    def begin_error(self) -> bytes:
        """The same on standard error."""
        return b"\x1e%se\n" % self.mark

    def end(self, status: int = 0) -> bytes:
        """What is said after it."""
        return b"\x1e%s %d\n" % (self.mark, status)

    @property
    def arguments(self) -> list[str]:
        """Those of a script without newlines in them."""
        found = ARGUMENTS.search(self.text)
        return shlex.split(found[1]) if found else []


def size_of(command: str) -> int:
    """How long the text is that a command reads; 0 where it reads none."""
    found = SIZE.search(command)
    return int(found[1]) if found else 0


def opened(text: bytes) -> Sent:
    """What is in a text."""
    found = MARK.search(text)
    return Sent(mark=found[1] if found else b"", text=text.decode("utf-8", "surrogateescape"))


async def arrive(process: "asyncssh.SSHServerProcess[bytes]") -> Sent:
    """The command on the standard input of a process; its answer's begin is said."""
    await process.stdin.readexactly(len(LEAD))
    sent = opened(await process.stdin.readexactly(size_of(process.command or "")))
    process.stderr.write(sent.begin_error)
    process.stdout.write(sent.begin)
    return sent
