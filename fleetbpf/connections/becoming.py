"""Commands that root must execute: the password is fed to sudo or su, and then the payload."""

import secrets
from collections.abc import Callable
from typing import Protocol, Self

from fleetbpf import elevation
from fleetbpf.command import Command
from fleetbpf.connections import Completed, Connection, Sink
from fleetbpf.connections.dialogue import Dialogue, PipeDialogue, TerminalDialogue
from fleetbpf.connections.feed import Feed
from fleetbpf.errors import HostError, Problem, UnreachableError
from fleetbpf.model.inventory import Host


class PlainConnection(Connection, Protocol):
    """A connection whose commands run as whoever is logged in."""

    @property
    def waits(self) -> bool:
        """Whether the shell of the last command is there for an order."""
        ...

    def run(
        self,
        command: Command,
        *,
        stdin: bytes | Feed = b"",
        stdout: Sink | None = None,
        stderr: Sink | None = None,
        timeout: float = 600.0,
        terminal: bool = False,
    ) -> Completed:
        """As Connection.run; stdin may grow while the command runs.

        With `terminal` the command has one, which passes every byte on as it is.
        """
        ...


class BecomingConnection:
    """A connection that can run commands as root as well."""

    def __init__(
        self,
        plain: PlainConnection,
        host: Host,
        *,
        password: Callable[[], str | None],
        patience: float = 60.0,
    ) -> None:
        """`password` tells the user's own for sudo and doas, root's for su; None: there is none.

        With a password root's command must begin within `patience` seconds: PAM may ask a
        directory on the network.
        """
        self._plain = plain
        self._host = host
        self._password = password
        self._patience = patience
        self._became = False  # whether root did the last command

    def run(
        self,
        command: Command,
        *,
        stdin: bytes = b"",
        stdout: Sink | None = None,
        timeout: float = 600.0,
    ) -> Completed:
        """Run `command`, as root if it says so.

        Raises HostError when a password was fed and the command has not begun.
        """
        way = self._host.become_way
        same, self._became = command.become == self._became, command.become
        if command.order and self._plain.waits and same:
            return self._plain.run(command, stdin=stdin, stdout=stdout, timeout=timeout)
        password = self._password() if command.become else None
        if password is None:
            words = elevation.quietly(way, command.words) if command.become else command.words
            bare = command.behind(*words, stays=command.stays)
            return self._plain.run(bare, stdin=stdin, stdout=stdout, timeout=timeout)
        token = secrets.token_hex(8)
        begin = TerminalDialogue if elevation.asks_on_terminal(way) else PipeDialogue
        dialogue = begin(token, password, stdin, stdout=stdout, patience=self._patience)
        words = elevation.with_password(way, command.words, token=token, size=len(stdin))
        stays = command.stays and not elevation.asks_on_terminal(way)  # there stdin ends
        return self._converse(command.behind(*words, stays=stays), dialogue, timeout=timeout)

    def close(self) -> None:
        """Give the connection up."""
        self._plain.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _converse(self, command: Command, dialogue: Dialogue, *, timeout: float) -> Completed:
        try:
            completed = self._plain.run(
                command,
                stdin=dialogue,
                stdout=dialogue.hear,
                stderr=dialogue.hear_error,
                timeout=timeout,
                terminal=elevation.asks_on_terminal(self._host.become_way),
            )
        except UnreachableError as error:
            if dialogue.refused:
                raise self._refusal("did not take the password", dialogue) from error
            if not dialogue.overdue:
                raise
            what = f"did not make the user root within {self._patience:g} s"
            raise self._refusal(what, dialogue) from error
        if dialogue.refused:
            raise self._refusal("did not take the password", dialogue)
        if not dialogue.begun:
            raise self._refusal("refused to run a command as root", dialogue)
        return Completed(
            status=completed.status,
            stdout=bytes(dialogue.stdout),
            stderr=bytes(dialogue.stderr),
        )

    def _refusal(self, what: str, dialogue: Dialogue) -> HostError:
        way = self._host.become_way
        hint = elevation.about_password(way)
        if not dialogue.refused:
            hint = elevation.cure(dialogue.said, otherwise=hint)
        return HostError(
            Problem(
                where=self._host.name,
                what=f"{way.program} {what}",
                detail=dialogue.said,
                hint=hint,
            )
        )
