"""Run a command with a stdin and get its streams: here, or wherever a connection leads."""

from collections.abc import Callable
from typing import Protocol, Self

from fleetbpf.execution.command import Command
from fleetbpf.frozen import frozen

Sink = Callable[[bytes], None]


@frozen
class Completed:
    """What a command left: its exit status (128 + n when signal n ended it) and its streams."""

    status: int
    stdout: bytes = b""
    stderr: bytes = b""


class Connection(Protocol):
    """A way to run commands in one place: this machine, or a host over SSH.

    Opened by `with`; used by one thread at a time.
    """

    def run(
        self,
        command: Command,
        *,
        stdin: bytes = b"",
        stdout: Sink | None = None,
        timeout: float = 600.0,
    ) -> Completed:
        """Run `command`, feed it `stdin`, and wait for its end.

        stdout, when given, receives each piece of standard output as it comes; `Completed.stdout`
        is then empty. timeout is in seconds, for the whole command.

        The shell of a command that `stays` may be kept when it has said command.END; the next
        command is done by it when that has an `order`, and else ends it first.

        Raises UnreachableError when the link is lost or the time is over. A non-zero status is
        not an error here.
        """
        ...

    def close(self) -> None:
        """Give the connection up; safe to call twice, and from another thread to cut it."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: object) -> None: ...
