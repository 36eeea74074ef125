"""One command on an exec channel: its stdin fed and both its outputs drained, all at once."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Self

from paramiko import Channel
from paramiko.ssh_exception import SSHException

from fleetbpf.execution import Completed, Sink
from fleetbpf.execution.feed import Feed
from fleetbpf.limits import Limits, Meter

GRACE = 1.0  # seconds that a login shell may take to end, once its command has
PIECE = 32 * 1024  # the largest packet that every SSH server takes (RFC 4253, 6.1)
WINDOW = 2 * 1024 * 1024  # the most that can have come in since the last look


class LinkLostError(Exception):
    """The connection ended under a command."""


class OutOfTimeError(Exception):
    """A command's time is over; the text is what else is known, to follow its name."""


class SilenceError(Exception):
    """A command neither said nor took a byte for longer than it may; the text as above."""


class Call:
    """A command on `channel`, until it ends or waits for an order; the block's end hangs up."""

    def __init__(
        self,
        channel: Channel,
        noticed: threading.Event,
        *,
        stdin: Feed,
        stdout: Sink | None = None,
        stderr: Sink | None = None,
        limits: Limits,
    ) -> None:
        """`noticed` is set whenever anything happened on the channel."""
        self._channel = channel
        self._noticed = noticed
        self._stdin = stdin
        self._out = bytearray()
        self._err = bytearray()
        self._sink: Sink = self._out.extend if stdout is None else stdout
        self._error_sink: Sink = self._err.extend if stderr is None else stderr
        self._silence = limits.silence
        self._meter = Meter(limits.stdout, lines=limits.lines, stream="standard output")
        self._error_meter = Meter(limits.stderr, stream="standard error")
        self._moved = time.monotonic()  # when a stream moved last
        channel.settimeout(0.0)  # never wait in a read or a write: the other streams would, too

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Close the channel; where the link is lost, nobody need be told."""
        if kind is None and self.waits:
            return
        with suppress(EOFError, OSError, SSHException):
            self._channel.close()

    def serve(self, deadline: float) -> None:
        """Move all three streams until the host closes the channel, or waits for an order.

        Raises OutOfTimeError at `deadline` (of time.monotonic), LinkLostError when the link fails,
        SilenceError and ExcessError when the command does not keep to its limits.
        """
        until = deadline  # of waiting for the channel's end, which nobody needs
        while True:
            self._noticed.clear()
            # Asked before the streams are moved: what came before the end is still to be read.
            ended = self._channel.closed
            self._drain(deadline)
            if ended or self.waits:
                return
            self._feed(deadline)
            if not self._stdin.answered:
                self._wait(min(deadline, self._stdin.deadline))
                continue
            now = time.monotonic()
            until = min(until, now + GRACE)
            if not self._noticed.wait(max(until - now, 0)):
                return

    def _wait(self, deadline: float) -> None:
        """Wait until something happens; what happens again and again is no reprieve."""
        now = time.monotonic()
        until = min(deadline, self._moved + self._silence)
        if now < until and self._noticed.wait(until - now):
            return
        raise (OutOfTimeError if until == deadline else SilenceError)(self._late())

    @property
    def waits(self) -> bool:
        """Whether the command has told all, and is there for an order."""
        return self._stdin.waits and not self._channel.closed

    @property
    def status(self) -> int | None:
        """The exit status, 128 + n for signal n; None when the host did not say."""
        status = self._channel.exit_status
        return None if status < 0 else status

    def completed(self, status: int) -> Completed:
        """What the command left."""
        return Completed(status=status, stdout=bytes(self._out), stderr=bytes(self._err))

    def _drain(self, deadline: float) -> None:
        """Take what has come; a host that says more all the time does not keep us here."""
        channel = self._channel
        while channel.recv_ready():
            with link_errors():
                piece = channel.recv(WINDOW)
            self._meter.count(piece)
            self._sink(piece)
            self._move(deadline)
        while channel.recv_stderr_ready():
            with link_errors():
                piece = channel.recv_stderr(WINDOW)
            self._error_meter.count(piece)
            self._error_sink(piece)
            self._move(deadline)

    def _move(self, deadline: float) -> None:
        """Note that a stream has moved."""
        self._moved = time.monotonic()
        if self._moved > deadline:
            raise OutOfTimeError(self._late())

    def _feed(self, deadline: float) -> None:
        """Send what the host's window has room for, and the end after the last byte."""
        while self._stdin.waiting and time.monotonic() < deadline:
            sent = self._send(self._stdin.piece(PIECE))
            if sent == 0:
                return
            self._moved = time.monotonic()
            self._stdin.took(sent)
        if self._stdin.done and not self._channel.eof_sent:
            with link_errors():
                self._channel.shutdown_write()

    def _send(self, piece: bytes) -> int:
        """Send as much of `piece` as there is room for; 0 when nobody takes it now, or ever."""
        try:
            return self._channel.send(piece)
        except TimeoutError:
            return 0  # the window is full; the channel says when there is room
        except (EOFError, OSError, SSHException) as error:
            if self._channel.closed:
                return 0  # the command has ended without reading all of its stdin
            raise LinkLostError from error

    def _late(self) -> str:
        if self.status is None:
            return ""
        return f" (it ended with status {self.status}, but what it started keeps its output open)"


@contextmanager
def link_errors() -> Iterator[None]:
    """What paramiko raises when a connection fails, as LinkLostError."""
    try:
        yield
    except (EOFError, OSError, SSHException) as error:
        raise LinkLostError from error
