"""Feeding a password to sudo or su, then the payload to the command that root executes."""

import time

from fleetbpf import elevation
from fleetbpf.connections import Sink
from fleetbpf.connections.feed import Feed


class Dialogue(Feed):
    """The password goes at once, the payload when elevation.BEGIN has said that it runs.

    Until then nothing else is sent: what is asked twice for a password would take it for one.
    """

    def __init__(
        self,
        token: str,
        password: str,
        payload: bytes,
        *,
        stdout: Sink | None,
        patience: float,
    ) -> None:
        """`patience` is in seconds, until root's command must have begun."""
        super().__init__(password.encode("utf-8", "surrogateescape") + b"\n", ended=False)
        self.begun = False
        self.stdout = bytearray()  # of the command itself, where no sink is given
        self.stderr = bytearray()
        self.deadline = time.monotonic() + patience
        self._line = f"{token}\n".encode()
        self._prompt = elevation.prompt(token).encode()
        self._payload = payload
        self._sink: Sink = self.stdout.extend if stdout is None else stdout
        self._before = bytearray()  # what a login shell said

    @property
    def overdue(self) -> bool:
        """Whether root's command has not begun in time."""
        return not self.begun and time.monotonic() >= self.deadline

    @property
    def refused(self) -> bool:
        """Whether the password was asked for a second time."""
        return self.stderr.count(self._prompt) > 1

    @property
    def said(self) -> str:
        """What was said on standard error, without prompts and lectures."""
        _, _, after = self.stderr.partition(self._prompt)
        text = bytes(after or self.stderr).replace(self._prompt, b"")
        return text.decode("utf-8", "replace").strip()

    def hear(self, piece: bytes) -> None:
        """Take a piece of standard output."""
        if self.begun:
            self._sink(piece)
            return
        self._before += piece
        _, found, after = self._before.partition(self._line)
        if found:
            self._begin(bytes(after))

    def hear_error(self, piece: bytes) -> None:
        """Take a piece of standard error."""
        self.stderr += piece
        if not self.begun and self.refused:
            self.end()  # or sudo asks a third time, each a failure that may lock the account

    def _begin(self, after: bytes) -> None:
        self.begun = True
        self.deadline = Feed.deadline
        self.stderr.clear()  # lectures and prompts are not the command's
        self.add(self._line + self._payload)
        self.end()
        if after:
            self._sink(after)
