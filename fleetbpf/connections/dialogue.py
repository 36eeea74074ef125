"""What is said to the shell that does a command, and when: a password, the command, its payload."""

import time
from abc import abstractmethod
from collections.abc import Callable

from fleetbpf.connections import elevation
from fleetbpf.connections.envelope import KEPT, LEAD, Envelope, Marked, Noise, error_mark
from fleetbpf.execution import Completed, Sink
from fleetbpf.execution.command import END
from fleetbpf.execution.feed import Feed
from fleetbpf.frozen import frozen
from fleetbpf.limits import Limits, Meter


@frozen
class Errand:
    """A command on its way: what is fed, and who hears what comes back."""

    envelope: Envelope
    payload: bytes
    limits: Limits
    stdout: Sink | None = None  # None: it is kept
    stays: bool = False  # its shell waits for an order when it has told all

    @property
    def size(self) -> int:
        """How many bytes are fed in all."""
        return len(self.envelope.sent) + len(self.payload)


class Dialogue(Feed):
    """The command and its payload, for a shell that asks nobody."""

    def __init__(self, errand: Errand, *, resumed: bool = False) -> None:
        """`resumed`: by a shell that has answered before, with the same mark."""
        super().__init__(ended=False)
        self._errand = errand
        self._kept, self._complaints = bytearray(), bytearray()
        limits, mark = errand.limits, errand.envelope.mark
        out = Meter(limits.stdout, lines=limits.lines, stream="standard output")
        sink = metered(out, self._kept.extend if errand.stdout is None else errand.stdout)
        complain = metered(Meter(limits.stderr, stream="standard error"), self._complaints.extend)
        self._out = Marked(mark, sink, begun=resumed)
        # The order for a shell that waits has no start-up files before it.
        self.opening = errand.envelope.text if resumed else errand.envelope.sent
        self._err = Marked(error_mark(mark), complain, begun=resumed)
        self.open()

    @property
    def begun(self) -> bool:
        """Whether the command has begun."""
        return self._out.begun

    @property
    def waits(self) -> bool:
        """Whether the command has told all, and its shell is there for an order."""
        return self._errand.stays and self._out.last.endswith(END)

    @property
    def answered(self) -> bool:
        """Whether the command has ended, whatever its shell does after that."""
        return self._out.status is not None

    @property
    def said(self) -> str:
        """What was said instead of beginning."""
        return text(bytes(self._out.kept + b"\n" + self._err.kept))

    def open(self) -> None:
        """Have the first fed."""
        self.say_all()

    def say_all(self) -> None:
        """Have the command and its payload fed, and the end where no order will follow."""
        self.add(self.opening, self._errand.payload)
        if not self._errand.stays:
            self.end()

    def hear(self, piece: bytes) -> None:
        """Take a piece of standard output."""
        self._out.hear(piece)

    def hear_error(self, piece: bytes) -> None:
        """Take a piece of standard error."""
        self._err.hear(piece)

    def completed(self, status: int) -> Completed:
        """What the command left; its status is as it says, or that of whoever ran it."""
        told = self._out.status
        return Completed(
            status=status if told is None else told,
            stdout=bytes(self._kept),
            stderr=bytes(self._complaints if self._err.begun else self._err.kept),
        )


class AskedDialogue(Dialogue):
    """Nothing but the password is sent until root's shell has said that it runs.

    Or else what is asked twice for a password would take the command for one.
    """

    def __init__(self, errand: Errand, password: str, *, patience: float) -> None:
        """`patience` is in seconds, until root's shell must have begun."""
        self.password = password.encode("utf-8", "surrogateescape") + b"\n"
        self.line = f"{errand.envelope.mark}\n".encode()
        self.deadline = time.monotonic() + patience
        self.ready = False  # whether root's shell has begun
        self._unheard = b""  # the last of standard output before
        self._noise = Noise()
        super().__init__(errand)

    @property
    def overdue(self) -> bool:
        """Whether root's shell has not begun in time."""
        return not self.ready and time.monotonic() >= self.deadline

    @property
    @abstractmethod
    def refused(self) -> bool:
        """Whether the password was asked for a second time."""

    def hear(self, piece: bytes) -> None:
        """Take a piece of standard output."""
        if self.ready:
            super().hear(piece)
            return
        self._noise.count(piece)
        before, found, after = (self._unheard + piece).partition(self.line)
        if not found:
            self._unheard = self.hear_before(before)
            return
        self.ready = True
        self.deadline = Feed.deadline
        self.begin()
        if after:
            super().hear(after)

    def hear_before(self, said: bytes) -> bytes:
        """Something was said that does not begin the command; what of it must be heard again."""
        return said[-len(self.line) :]

    @abstractmethod
    def begin(self) -> None:
        """Root's shell runs: have it fed."""


class PipeDialogue(AskedDialogue):
    """With sudo and su, which read from a pipe, and no byte beyond their line.

    The password is sent at once. Whoever asks nobody leaves it to elevation.READY.
    """

    def __init__(self, errand: Errand, password: str, *, patience: float) -> None:
        self._prompt = elevation.prompt(errand.envelope.mark).encode()
        self._prompts = 0
        self._lecture = Lecture()
        super().__init__(errand, password, patience=patience)

    @property
    def refused(self) -> bool:
        """Whether sudo has asked twice; su asks but once."""
        return self._prompts > 1

    @property
    def said(self) -> str:
        """Standard error after the first prompt."""
        if self.ready:
            return super().said
        _, _, after = self._lecture.kept.partition(self._prompt)
        return text((after or self._lecture.kept).replace(self._prompt, b""))

    def open(self) -> None:
        """Have the password fed."""
        self.add(LEAD, self.password)

    def hear_error(self, piece: bytes) -> None:
        """Count prompts; give up before the third, each is a failure that may lock an account."""
        if not self.ready:
            self._prompts += self._lecture.hear(piece, self._prompt)
            if self.refused:
                self.end()
        super().hear_error(piece)

    def begin(self) -> None:
        """Feed the line that elevation.READY waits for, and all the rest."""
        self.add(self.line)
        self.say_all()


class TerminalDialogue(AskedDialogue):
    """With doas, which asks on a terminal: everything else passes through that as well.

    What the login shell says comes before a line of our own; a shell without start-up files then
    runs doas. A terminal has no end of input, so elevation.READY_ON_TERMINAL counts what it reads.
    """

    def __init__(self, errand: Errand, password: str, *, front: Envelope, patience: float) -> None:
        """`front` is what runs doas."""
        self._front = front
        self._first = Marked(front.mark, self._hear_doas)
        self._asked = 0
        self._told = b""  # what doas said, without its questions
        super().__init__(errand, password, patience=patience)

    @property
    def refused(self) -> bool:
        """Whether there was a second question."""
        return self._asked > 1

    @property
    def said(self) -> str:
        """What came after the password."""
        return super().said if self.ready else text(self._told or self._first.kept)

    def open(self) -> None:
        """Have doas run."""
        self.add(self._front.sent)

    def hear(self, piece: bytes) -> None:
        """Take a piece of what the terminal shows."""
        self._first.hear(piece)

    def _hear_doas(self, piece: bytes) -> None:
        super().hear(piece)

    def hear_before(self, said: bytes) -> bytes:
        """A line without an end is a question, in whatever language."""
        lines, _, unfinished = said.rpartition(b"\n")
        self._told = (self._told + lines)[-KEPT:]
        if self.line.startswith(unfinished):  # also when nothing is unfinished
            return unfinished
        self._told = b""
        self._asked += 1
        if self._asked == 1:
            self.add(self.password)
        else:
            self.deadline = time.monotonic()  # an answer would be a second failure
        return b""

    def begin(self) -> None:
        """Feed the command; what it reads is counted."""
        self.say_all()


class Lecture:
    """What is said on standard error around the prompts for a password."""

    def __init__(self) -> None:
        self.kept = b""  # its last bytes
        self._carried = b""  # an end that may be the beginning of a prompt

    def hear(self, piece: bytes, prompt: bytes) -> int:
        """Take a piece: how many prompts it ends."""
        whole = self._carried + piece
        self._carried = whole[-(len(prompt) - 1) :]
        self.kept = (self.kept + piece)[-KEPT:]
        return whole.count(prompt)


def metered(meter: Meter, sink: Callable[[bytes], object]) -> Sink:
    """A sink that takes no more than the meter lets."""

    def take(piece: bytes) -> None:
        meter.count(piece)
        sink(piece)

    return take


def text(said: bytes) -> str:
    """What a host said, for people."""
    return said.decode("utf-8", "replace").strip()
