"""A connection whose every command is told to somebody: what began, and what came of it."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Self

from fleetbpf.errors import FleetbpfError
from fleetbpf.execution import Completed, Connection, Sink
from fleetbpf.execution.command import Command
from fleetbpf.frozen import frozen


@frozen
class Exchange:
    """One command on a host, when it has ended."""

    host: str
    command: Command
    began: float  # of time.time()
    seconds: float
    sent: int  # bytes of its stdin
    received: int  # bytes of its stdout
    completed: Completed | None = None  # None: it did not come to its end
    error: str = ""  # why not


@frozen
class Watcher:
    """Who is told; called from many threads."""

    begun: Callable[[str, Command], None] = lambda _host, _command: None
    heard: Callable[[str, Command, bytes], None] = lambda _host, _command, _piece: None
    ended: Callable[[Exchange], None] = lambda _: None


class WatchedConnection:
    """A connection that tells its watcher of each command."""

    def __init__(self, inner: Connection, *, host: str, watcher: Watcher) -> None:
        self._inner = inner
        self._host = host
        self._watcher = watcher

    def run(
        self,
        command: Command,
        *,
        stdin: bytes = b"",
        stdout: Sink | None = None,
        timeout: float = 600.0,
    ) -> Completed:
        """As Connection.run."""
        whole = bytearray()
        ear = Ear(stdout or whole.extend, partial(self._watcher.heard, self._host, command))
        began, start = time.time(), time.monotonic()
        completed, error = None, ""
        self._watcher.begun(self._host, command)
        try:
            done = self._inner.run(command, stdin=stdin, stdout=ear.take, timeout=timeout)
            completed = replace(done, stdout=bytes(whole))
        except FleetbpfError as failure:
            error = "; ".join(problem.what for problem in failure.problems)
            raise
        except BaseException as failure:
            error = type(failure).__name__
            raise
        else:
            return completed
        finally:
            exchange = Exchange(
                host=self._host,
                command=command,
                began=began,
                seconds=time.monotonic() - start,
                sent=len(stdin),
                received=ear.bytes,
                completed=completed,
                error=error,
            )
            self._watcher.ended(exchange)

    def close(self) -> None:
        """Give the connection up."""
        self._inner.close()

    def __enter__(self) -> Self:
        self._inner.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self._inner.__exit__(*exc)


class Ear:
    """Passes bytes on, counts them, and tells of them."""

    def __init__(self, sink: Sink, heard: Sink) -> None:
        self.bytes = 0
        self._sink = sink
        self._heard = heard

    def take(self, piece: bytes) -> None:
        """One piece."""
        self.bytes += len(piece)
        self._sink(piece)
        self._heard(piece)
