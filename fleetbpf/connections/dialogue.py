"""Saying a password to sudo, su or doas, then feeding the payload to the command that root runs."""

import time
from abc import abstractmethod

from fleetbpf import elevation
from fleetbpf.connections import Sink
from fleetbpf.connections.feed import Feed
from fleetbpf.limits import KIB, ExcessError
from fleetbpf.quantities import told_size

LONGEST_LECTURE = 64 * KIB  # bytes; each piece has them all looked through for the prompt


class Dialogue(Feed):
    """Nothing but the password is sent until root's command has said that it runs.

    Or else what is asked twice for a password would take the payload for one.
    """

    def __init__(
        self, token: str, password: str, payload: bytes, *, stdout: Sink | None, patience: float
    ) -> None:
        """`patience` is in seconds, until root's command must have begun."""
        super().__init__(ended=False)
        self.begun = False
        self.stdout = bytearray()  # of the command itself, where no sink is given
        self.stderr = bytearray()
        self.deadline = time.monotonic() + patience
        self.password = password.encode("utf-8", "surrogateescape") + b"\n"
        self.payload = payload
        self.line = f"{token}\n".encode()
        self.before = bytearray()  # standard output before the command began
        self._sink: Sink = self.stdout.extend if stdout is None else stdout

    @property
    def overdue(self) -> bool:
        """Whether root's command has not begun in time."""
        return not self.begun and time.monotonic() >= self.deadline

    @property
    @abstractmethod
    def refused(self) -> bool:
        """Whether the password was asked for a second time."""

    @property
    @abstractmethod
    def said(self) -> str:
        """What was said instead of beginning, without prompts and lectures."""

    def hear(self, piece: bytes) -> None:
        """Take a piece of standard output."""
        if self.begun:
            self._sink(piece)
            return
        self.before += piece
        _, found, after = self.before.partition(self.line)
        if not found:
            self.hear_before()
            refuse_lecture(self.before)
            return
        self.begun = True
        self.deadline = Feed.deadline
        self.stderr.clear()
        self.begin()
        if after:
            self._sink(bytes(after))

    @abstractmethod
    def hear_error(self, piece: bytes) -> None:
        """Take a piece of standard error."""

    def hear_before(self) -> None:
        """Something was said that does not begin the command."""

    @abstractmethod
    def begin(self) -> None:
        """Root's command runs: have it fed."""


class PipeDialogue(Dialogue):
    """With sudo and su, which read from a pipe, and no byte beyond their line.

    The password is sent at once. Whoever asks nobody leaves it to elevation.BEGIN.
    """

    def __init__(
        self, token: str, password: str, payload: bytes, *, stdout: Sink | None, patience: float
    ) -> None:
        super().__init__(token, password, payload, stdout=stdout, patience=patience)
        self._prompt = elevation.prompt(token).encode()
        self.add(self.password)

    @property
    def refused(self) -> bool:
        """Whether sudo has asked twice; su asks but once."""
        return self.stderr.count(self._prompt) > 1

    @property
    def said(self) -> str:
        """Standard error after the first prompt."""
        _, _, after = self.stderr.partition(self._prompt)
        return text(bytes(after or self.stderr).replace(self._prompt, b""))

    def hear_error(self, piece: bytes) -> None:
        """Count prompts; give up before the third, each is a failure that may lock an account."""
        self.stderr += piece
        if self.begun:
            return
        refuse_lecture(self.stderr)
        if self.refused:
            self.end()

    def begin(self) -> None:
        """Feed the line that elevation.BEGIN waits for, and all the rest."""
        self.add(self.line, self.payload)
        self.end()


class TerminalDialogue(Dialogue):
    """With doas, which asks on a terminal: everything else passes through that as well.

    A terminal has no end of input, so elevation.BEGIN_ON_TERMINAL counts what it reads.
    """

    _asked = 0

    @property
    def refused(self) -> bool:
        """Whether there was a second question."""
        return self._asked > 1

    @property
    def said(self) -> str:
        """What came after the password."""
        return text(bytes(self.before))

    def hear_before(self) -> None:
        """A line without an end is a question, in whatever language."""
        _, _, unfinished = self.before.rpartition(b"\n")
        if self.line.startswith(unfinished):  # also when nothing is unfinished
            return
        self.before.clear()
        self._asked += 1
        if self._asked == 1:
            self.add(self.password)
        else:
            self.deadline = time.monotonic()  # an answer would be a second failure

    def hear_error(self, piece: bytes) -> None:
        """There is no standard error on a terminal."""

    def begin(self) -> None:
        """Feed the payload."""
        self.add(self.payload)


def text(said: bytes) -> str:
    """What a host said, for people."""
    return said.decode("utf-8", "replace").strip()


def refuse_lecture(said: bytearray) -> None:
    """Raise ExcessError when more is said before a command begins than a lecture has words."""
    if len(said) > LONGEST_LECTURE:
        most = told_size(LONGEST_LECTURE)
        raise ExcessError(f"has more than {most} said before it begins, the most that is taken")
