"""What an SSH connection goes over: a TCP socket, a proxy command, a channel of a jump host."""

import errno
import os
import select
import signal
import socket
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import IO, Any

from paramiko import Channel
from paramiko.ssh_exception import SSHException

from fleetbpf.connections import reasons
from fleetbpf.connections.crew import PROMPT, Slot
from fleetbpf.connections.settings import ConnectionSettings
from fleetbpf.connections.transport import QuickSocket

LONGEST_COMPLAINT = 1000  # bytes of what a proxy command said last
LONGEST_PIECE = 65536  # bytes that are read at once
LONGEST_IDLE = 32_767  # seconds (tcp(7): MAX_TCP_KEEPIDLE)
GRACE = 0.5  # seconds for a command that has hung up to say why


def dial(host: ConnectionSettings, *, timeout: float, slot: Slot) -> QuickSocket:
    """A TCP connection to the first of the host's addresses that answers."""
    deadline = slot.now() + timeout
    try:
        addresses = resolve(host, slot)
    except (OSError, UnicodeError) as error:
        # UnicodeError: a label longer than DNS allows (IDNA)
        wrong = error if isinstance(error, OSError) else socket.gaierror()
        raise reasons.not_dialled(host, wrong, timeout=timeout) from error
    failure = OSError()
    for number, (family, kind, protocol, _, address) in enumerate(addresses):
        share = max((deadline - slot.now()) / (len(addresses) - number), 0.01)
        connection = QuickSocket(family, kind, protocol)
        try:
            connect(connection, address, timeout=share, slot=slot)
            connection.settimeout(share)
            connection.tune(**signs_of_life(host))
        except OSError as error:
            connection.close()
            failure = error
        else:
            return connection
    raise reasons.not_dialled(host, failure, timeout=timeout) from failure


def resolve(host: ConnectionSettings, slot: Slot) -> Sequence[tuple[Any, ...]]:
    """The host's addresses; a name server may take its time. OSError, UnicodeError."""
    ask = partial(
        socket.getaddrinfo, host.address, host.port, family=host.family, type=socket.SOCK_STREAM
    )
    with suppress(socket.gaierror):
        return ask(flags=socket.AI_NUMERICHOST)
    with slot.aside(after=PROMPT):
        return ask()


def connect(connection: socket.socket, address: Any, *, timeout: float, slot: Slot) -> None:
    """Connect within `timeout` seconds, or OSError; who does not answer promptly takes no place."""
    connection.settimeout(0)
    error = connection.connect_ex(address)
    if error == errno.EINPROGRESS:
        poll = select.poll()
        poll.register(connection, select.POLLOUT)
        if not slot.until(lambda seconds: bool(poll.poll(1000 * seconds)), timeout):
            raise TimeoutError
        error = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if error:
        raise OSError(error, os.strerror(error))


def signs_of_life(host: ConnectionSettings) -> dict[str, int]:
    """When the kernel asks for a sign of life, and when it gives up: as ServerAlive… says.

    By the kernel's own probes: these cost no thread, and no message of ours.
    """
    if host.alive_interval is None:
        return {}
    idle = max(1, min(int(host.alive_interval), LONGEST_IDLE))
    return {"idle": idle, "give_up": idle * max(1, host.alive_count)}


class ProxyProcess(socket.socket):
    """A proxy command's stdin and stdout; the command ends with the connection."""

    complaint = ""  # what it wrote on stderr, once it has ended
    probed = False

    def __init__(self, command: str, *, shell: str) -> None:
        """Start `command` as ssh does: in the user's shell, which it replaces."""
        ours, theirs = socket.socketpair()
        super().__init__(fileno=ours.detach())
        self._ended = False
        with theirs:
            self._process = subprocess.Popen(
                [shell, "-c", f"exec {command}"],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        self._complaint = Tail(self._process.stderr)

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """The next bytes, at most `size`; none at the end."""
        piece = super().recv(size, flags)
        self._ended = self._ended or not piece
        return piece

    def hang_up(self) -> None:
        """Kill the command and all it started."""
        with suppress(OSError):
            self.shutdown(socket.SHUT_RDWR)
        if self._process.returncode is not None:
            return
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE if self._ended else 0)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self.complaint = self._complaint.text()


class Tail:
    """Reads all that a command writes, and keeps the last of it: it may write without an end."""

    def __init__(self, stream: IO[bytes] | None) -> None:
        self._last = b""
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def text(self) -> str:
        """The last that it wrote, on one line; once it has ended."""
        self._thread.join(GRACE)  # what it started may keep the stream open
        lines = self._last.decode(errors="replace").split("\n")
        return "; ".join(line.strip() for line in lines if line.strip())

    def _read(self, stream: IO[bytes] | None) -> None:
        if stream is None:
            return
        with stream:
            while piece := os.read(stream.fileno(), LONGEST_PIECE):
                self._last = (self._last + piece)[-LONGEST_COMPLAINT:]


class JumpChannel:
    """A channel of the connection to a jump host, as a socket."""

    complaint = ""
    probed = False
    _closed = False  # paramiko asks that of a socket at each turn; a channel's end is an empty read

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def recv(self, size: int, /) -> bytes:
        """The next bytes, at most `size`; none at the end."""
        return self._channel.recv(size)

    def send(self, piece: bytes, /) -> int:
        """Send as much as there is room for."""
        return self._channel.send(piece)

    def settimeout(self, timeout: float | None, /) -> None:
        """How long the two above wait, in seconds."""
        self._channel.settimeout(timeout)

    def close(self) -> None:
        """Close the channel, not the connection that it belongs to; no matter if that is lost."""
        with suppress(EOFError, OSError, SSHException):
            self._channel.close()

    def hang_up(self) -> None:
        """Wake who waits."""
        self.close()
