"""Commands on a host, each in an envelope: by who logs in, or by root, who may want a password."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol, Self

from fleetbpf.connections import elevation
from fleetbpf.connections.dialogue import (
    AskedDialogue,
    Dialogue,
    Errand,
    PipeDialogue,
    TerminalDialogue,
)
from fleetbpf.connections.envelope import NOISE, after_start_up, encoded, seal, seal_words
from fleetbpf.errors import FleetbpfError, HostError, Problem, UnreachableError
from fleetbpf.execution import Completed, Connection, Sink
from fleetbpf.execution.command import Command
from fleetbpf.execution.feed import Feed
from fleetbpf.limits import Limits
from fleetbpf.model.inventory import Host

PROBE = Command("id", "-u", limits=Limits(silence=20.0))  # runs the login shell anything, as whom?
PROBE_TIMEOUT = 30.0  # seconds
LET_IN = (
    "`echo true | ssh HOST cat` must say true: a login shell that runs commands (no nologin), "
    "start-up files that neither end it nor read its standard input, and no ForceCommand in "
    "sshd_config or command= in authorized_keys that runs something else"
)


class PlainConnection(Connection, Protocol):
    """A connection whose commands run as whoever is logged in."""

    keeps: bool  # whether the shell of a command can stay for an order

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
        """As Connection.run, word by word, by the login shell; stdin may grow while it runs.

        A command with an order is none: what is fed goes to the shell that waits.
        With `terminal` the command has one, which passes every byte on as it is.
        """
        ...


class BecomingConnection:
    """A connection that can run commands as root as well, whatever the login shell is."""

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
        self._last: Errand | None = None  # whose shell waits for an order
        self._became = False  # whether that is root's
        self._is_root = False  # who logs in: found out where nothing makes one root

    def run(
        self,
        command: Command,
        *,
        stdin: bytes = b"",
        stdout: Sink | None = None,
        timeout: float = 600.0,
    ) -> Completed:
        """Run `command`, as root if it says so.

        Raises HostError when it has not begun: nobody was made root, or there is no shell.
        """
        if self._is_root:
            command = command.as_it_is()
        last, self._last = self._last, None
        if last and command.order and command.become == self._became and self._plain.waits:
            return self._resume(last, command, stdin, stdout=stdout, timeout=timeout)
        password = self._password() if command.become else None
        asks = password is not None and elevation.asks_on_terminal(self._host.become_way)
        errand = Errand(
            envelope=seal(command),
            payload=stdin,
            limits=command.limits,
            stdout=stdout,
            stays=command.stays and self._plain.keeps and not asks,  # on a terminal stdin ends
        )
        bare, dialogue = self._begin(errand, command, password)
        completed = self._converse(bare, dialogue, timeout=timeout, terminal=asks)
        if not dialogue.begun:
            self._check_root(dialogue, completed.status, become=command.become)
            return self.run(command, stdin=stdin, stdout=stdout, timeout=timeout)
        if dialogue.waits:
            self._last, self._became = errand, command.become
        return completed

    def close(self) -> None:
        """Give the connection up."""
        self._plain.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _begin(
        self, errand: Errand, command: Command, password: str | None
    ) -> tuple[Command, Dialogue]:
        """The words that the login shell executes, and what is said to them."""
        way, envelope = self._host.become_way, errand.envelope
        if password is None:
            words = envelope.words
            if command.become:
                words = elevation.quietly(way, words)
            return command.carried_by(*words), Dialogue(errand)
        inner = envelope.reading
        if not elevation.asks_on_terminal(way):
            words = after_start_up(elevation.with_password(way, inner, token=envelope.mark))
            pipe = PipeDialogue(errand, password, patience=self._patience)
            return command.carried_by(*words), pipe
        words = elevation.on_terminal(way, inner, token=envelope.mark, size=errand.size)
        front = seal_words(words)
        terminal = TerminalDialogue(errand, password, front=front, patience=self._patience)
        return command.carried_by(*front.words), terminal

    def _resume(
        self,
        last: Errand,
        command: Command,
        stdin: bytes,
        *,
        stdout: Sink | None,
        timeout: float,
    ) -> Completed:
        """Have the shell that waits carry out an order."""
        order = replace(last.envelope, text=encoded(f"{command.order}\n"))
        errand = Errand(envelope=order, payload=stdin, limits=command.limits, stdout=stdout)
        return self._converse(command, Dialogue(errand, resumed=True), timeout=timeout)

    def _converse(
        self, command: Command, dialogue: Dialogue, *, timeout: float, terminal: bool = False
    ) -> Completed:
        """Run it; the dialogue holds it to its limits: it knows what belongs to the answer."""
        limits = command.limits
        room = 2 * NOISE  # a piece counts before the dialogue sees it: it shall be the one who says
        roomy = replace(
            limits, stdout=limits.stdout + room, stderr=limits.stderr + room, lines=math.inf
        )
        try:
            ended = self._plain.run(
                command.within(roomy),
                stdin=dialogue,
                stdout=dialogue.hear,
                stderr=dialogue.hear_error,
                timeout=timeout,
                terminal=terminal,
            )
        except UnreachableError as error:
            if not isinstance(dialogue, AskedDialogue):
                raise
            if dialogue.refused:
                raise self._refusal("did not take the password", dialogue) from error
            if not dialogue.overdue:
                raise
            what = f"did not make the user root within {self._patience:g} s"
            raise self._refusal(what, dialogue) from error
        return dialogue.completed(ended.status)

    def _check_root(self, dialogue: Dialogue, status: int, *, become: bool) -> None:
        """Note that who logs in is root, and needs nothing to become so: no sudo may be there.

        Else raises HostError, with why a command has not begun.
        """
        if not become:
            raise self._shut_out(dialogue, status)
        if isinstance(dialogue, AskedDialogue) and dialogue.refused:
            raise self._refusal("did not take the password", dialogue)
        probe = Errand(envelope=seal(PROBE), payload=b"", limits=PROBE.limits)
        bare, alone = self._begin(probe, PROBE, None)
        try:
            found = self._converse(bare, alone, timeout=PROBE_TIMEOUT)
        except FleetbpfError:
            raise self._not_root(dialogue) from None
        if not alone.begun:
            raise self._shut_out(alone, found.status)
        if found.stdout.strip() != b"0":
            raise self._not_root(dialogue)
        self._is_root = True

    def _shut_out(self, dialogue: Dialogue, status: int) -> HostError:
        """The login shell runs nothing."""
        said = dialogue.said
        what = f"the login shell did not run a command (exit status {status})"
        lines = said.splitlines()
        if lines:
            what = f"{what}; it says: {lines[0]}"
        detail = said if len(lines) > 1 else ""
        return HostError(Problem(where=self._host.name, what=what, detail=detail, hint=LET_IN))

    def _not_root(self, dialogue: Dialogue) -> HostError:
        """The login shell runs commands, but nobody was made root."""
        if isinstance(dialogue, AskedDialogue):
            return self._refusal("refused to run a command as root", dialogue)
        what, hint = "no command was run as root", elevation.cure(dialogue.said)
        return HostError(Problem(where=self._host.name, what=what, detail=dialogue.said, hint=hint))

    def _refusal(self, what: str, dialogue: AskedDialogue) -> HostError:
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
