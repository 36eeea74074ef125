"""SSH packets as they come and go: without timers of paramiko, and bounded, whatever comes."""

import errno
import threading
import time
from collections.abc import Callable
from typing import Protocol, Self

from paramiko import Message
from paramiko.packet import Packetizer
from paramiko.ssh_exception import SSHException

# Bytes, as OpenSSH has it (PACKET_MAX_SIZE). paramiko waits for the 4 GB that a host announces.
LONGEST_PACKET = 256 * 1024
LONGEST_INTRODUCTION = 64 * 1024  # bytes of the lines before the key exchange
MOST_LINES = 1024  # before the banner; SSH_MAX_PRE_BANNER_LINES of OpenSSH
STUCK = 60.0  # seconds without room for a byte; then the link is lost


class Outgoing(Protocol):
    """The part of a socket that is written to."""

    def send(self, piece: bytes, /) -> int:
        """Send as much as there is room for; TimeoutError when there is none for some time."""
        ...


class Line(str):
    """A line of the time before the key exchange, which goes into a hash as the bytes it was."""

    __slots__ = ("raw",)
    raw: bytes

    def __new__(cls, raw: bytes) -> Self:
        """The text of a line in whatever encoding."""
        made = super().__new__(cls, raw.decode("utf-8", "replace"))
        made.raw = raw
        return made

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:  # noqa: ARG002
        """The bytes that were sent."""
        return self.raw


class ForgivingMessage(Message):
    """A message whose texts may be in another encoding than RFC 4251 wants."""

    def get_text(self) -> str:
        """The next string, for people."""
        return bytes(self.get_binary()).decode("utf-8", "replace")


class QuietPacketizer(Packetizer):
    """A packetizer without a timer thread per handshake; the caller has its own deadline.

    Once `ask` is there, it is called after each time-out of a read, and the link is lost when
    `patience` of these in a row are followed by silence.
    """

    def __init__(self, sock: Outgoing) -> None:
        super().__init__(sock)  # type: ignore[arg-type]
        self.first_lines: list[str] = []  # what the peer said instead of, or before, its banner
        self.ask: Callable[[], None] | None = None
        self.patience = 0
        self._wire = sock
        self._introduced = 0  # bytes
        self._unanswered = 0

    def start_handshake(self, timeout: float) -> None:
        """Start no timer."""

    def readline(self, timeout: float) -> str:
        """Read lines of the time before the key exchange until there is the banner.

        As many as ssh reads: paramiko gives up after a hundred.
        """
        line = self._read_line(timeout)
        while not line.startswith("SSH-") and len(self.first_lines) < MOST_LINES:
            line = self._read_line(timeout)
        return line

    def _read_line(self, timeout: float) -> Line:
        """Read a line, and remember it."""
        lines = self._Packetizer__remainder  # type: ignore[has-type]
        while b"\n" not in lines:
            lines += self._read_timeout(timeout)
        raw, _, self._Packetizer__remainder = lines.partition(b"\n")
        line = Line(raw.removesuffix(b"\r"))
        self.first_lines.append(line)
        return line

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:  # noqa: FBT001, FBT002 — paramiko's
        """Read `n` bytes of a packet."""
        if n > LONGEST_PACKET:
            raise SSHException(f"it announces a packet of {n} bytes")
        return super().read_all(n, check_rekey)

    def read_message(self) -> tuple[int, Message]:
        """The next message, of whatever kind: the peer lives."""
        found: tuple[int, Message] = super().read_message()
        self._unanswered = 0
        found[1].__class__ = ForgivingMessage
        return found

    def write_all(self, out: bytes) -> None:  # type: ignore[override]
        """Write it all; EOFError when that is not possible.

        paramiko's own waits without end for a peer that reads nothing and acknowledges that.
        """
        moved = time.monotonic()
        while out:
            try:
                sent = self._wire.send(out)
            except TimeoutError:
                if self.closed or time.monotonic() - moved >= STUCK:
                    raise EOFError from None
                continue
            except OSError as error:
                raise EOFError from error
            if sent <= 0:
                raise EOFError
            out, moved = out[sent:], time.monotonic()

    def _read_timeout(self, timeout: float) -> bytes:
        """Read a piece of the lines before the key exchange, which may lack every line end."""
        piece: bytes = super()._read_timeout(timeout)  # type: ignore[misc]
        self._introduced += len(piece)
        if self._introduced > LONGEST_INTRODUCTION:
            raise SSHException(f"it says more than {LONGEST_INTRODUCTION} bytes")
        return piece

    def _check_keepalive(self) -> None:
        """Do what paramiko asks for after a time-out; its own requests want no reply."""
        if self.ask is None:
            return
        if self._unanswered == self.patience:
            raise ConnectionError(errno.ETIMEDOUT, "no answer")
        self._unanswered += 1
        # In a thread, because it waits behind others when there is no room to send anything.
        threading.Thread(target=self.ask, daemon=True).start()
