"""A connection to nowhere that remembers what it was asked to run: for dry runs and tests."""

import shlex
from collections.abc import Callable, Mapping
from typing import Self

from fleetbpf.execution import Completed, Sink
from fleetbpf.execution.command import Command
from fleetbpf.frozen import frozen


@frozen
class Ran:
    """One command that was asked for, and what it was fed."""

    command: Command
    stdin: bytes = b""


Answer = Callable[[Ran], Completed]


class RecordingConnection:
    """Executes nothing: records each command in `ran` and gives the answer it was told to give.

    answers is a function of what ran, or a table by command; a command that is not in the table
    is a LookupError. Without answers every command succeeds and says nothing.
    """

    def __init__(self, answers: Answer | Mapping[Command, Completed] | None = None) -> None:
        self._answer = answering(answers)
        self.ran: list[Ran] = []
        self.closed = False

    @property
    def commands(self) -> tuple[Command, ...]:
        """The commands in the order they were asked for."""
        return tuple(ran.command for ran in self.ran)

    def run(
        self,
        command: Command,
        *,
        stdin: bytes = b"",
        stdout: Sink | None = None,
        timeout: float = 600.0,  # noqa: ARG002 — part of the protocol; nothing takes time here
    ) -> Completed:
        """Record `command` and give its answer, standard output in one piece."""
        ran = Ran(command=command, stdin=stdin)
        self.ran.append(ran)
        completed = self._answer(ran)
        if stdout is None:
            return completed
        if completed.stdout:
            stdout(completed.stdout)
        return Completed(status=completed.status, stderr=completed.stderr)

    def close(self) -> None:
        """Remember that the connection was given up."""
        self.closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def answering(answers: Answer | Mapping[Command, Completed] | None) -> Answer:
    """`answers` in whatever form, as one function."""
    if answers is None:
        return lambda _: Completed(status=0)
    if isinstance(answers, Mapping):
        return lambda ran: look_up(answers, ran.command)
    return answers


def look_up(answers: Mapping[Command, Completed], command: Command) -> Completed:
    """The answer to `command`; LookupError that names the command when there is none."""
    if command not in answers:
        raise LookupError(f"no answer for: {shlex.join(command.words)}")
    return answers[command]
