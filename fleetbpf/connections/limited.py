"""A connection whose commands have an end in common: the time that one host may take in all."""

import time
from typing import Self

from fleetbpf.errors import Problem, UnreachableError
from fleetbpf.execution import Completed, Connection, Sink
from fleetbpf.execution.command import Command


class LimitedConnection:
    """A connection that gives each command only what is left of the host's time."""

    def __init__(self, inner: Connection, *, name: str, seconds: float, deadline: float) -> None:
        """`name` is the host's; `seconds` it has in all, until `deadline` of time.monotonic."""
        self._inner = inner
        self._name = name
        self._seconds = seconds
        self._deadline = deadline

    def run(
        self,
        command: Command,
        *,
        stdin: bytes = b"",
        stdout: Sink | None = None,
        timeout: float = 600.0,
    ) -> Completed:
        """As Connection.run; UnreachableError when the host's time is over."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise self._over()
        try:
            return self._inner.run(command, stdin=stdin, stdout=stdout, timeout=min(timeout, left))
        except UnreachableError as error:
            if time.monotonic() < self._deadline:
                raise
            raise self._over() from error

    def close(self) -> None:
        """Give the connection up."""
        self._inner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _over(self) -> UnreachableError:
        what = f"not finished after {self._seconds:g} s, all that a host may take"
        hint = "it may still be at work there; see --host-timeout, and run the command again"
        return UnreachableError(Problem(where=self._name, what=what, hint=hint))
