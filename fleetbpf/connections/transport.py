"""paramiko's transport, tuned: what it does per connection decides how many hosts fit a second.

Everything that touches paramiko's inner names is in this module, each with its reason.
"""

import errno
import logging
import signal
import socket
import struct
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol

from paramiko import Channel, Message, Transport
from paramiko.common import (
    MSG_CHANNEL_CLOSE,
    MSG_CHANNEL_DATA,
    MSG_CHANNEL_EOF,
    MSG_CHANNEL_EXTENDED_DATA,
    MSG_CHANNEL_REQUEST,
    MSG_CHANNEL_SUCCESS,
    MSG_CHANNEL_WINDOW_ADJUST,
    cMSG_CHANNEL_REQUEST,
    cMSG_GLOBAL_REQUEST,
)
from paramiko.ssh_exception import SSHException

from fleetbpf.connections.algorithms import (
    CERTIFICATE,
    CIPHERS,
    KEY_EXCHANGES,
    MACS,
    OURS,
    SIGNATURES,
    algorithms,
    chosen,
    reorder,
)
from fleetbpf.connections.authentication import Authentication
from fleetbpf.connections.packets import QuietPacketizer
from fleetbpf.connections.settings import Algorithms

# A dead link is noticed within IDLE + GIVE_UP seconds: after IDLE of silence the kernel asks
# the peer's kernel for a sign of life, and after GIVE_UP without one it ends the connection. Where
# that peer is not the host (`Wire.probed`), SSH asks, each IDLE seconds.
IDLE = 15
GIVE_UP = 45

# RFC 4254, 8: no echo, no lines, no signals, no translation of any byte.
RAW_MODES = b"".join(
    struct.pack(">BI", mode, 0)
    for mode in (
        *(33, 34, 35, 36, 38, 39, 40),  # ISTRIP INLCR IGNCR ICRNL IXON IXANY IXOFF
        *(50, 51, 53, 54, 55, 56, 59),  # ISIG ICANON ECHO ECHOE ECHOK ECHONL IEXTEN
        *(70, 72),  # OPOST ONLCR
    )
) + struct.pack(">BIB", 91, 1, 0)  # CS8, and the end

Handler = Callable[[Channel, Message], None]
CHANNEL_HANDLERS: dict[int, Handler] = Transport._channel_handler_table  # type: ignore[attr-defined]  # noqa: SLF001
WANT_REPLY = True
# What nobody waits for: the end of a command is told by the channel's close, which follows.
UNREMARKABLE = (MSG_CHANNEL_SUCCESS, MSG_CHANNEL_EOF, MSG_CHANNEL_REQUEST)
READ_AHEAD = 64 * 1024
MOST_EXTENSIONS = 64  # of RFC 8308; OpenSSH has a handful

# paramiko logs what it also raises; without a handler Python would print that on the terminal.
logging.getLogger("paramiko").addHandler(logging.NullHandler())


class Wire(Protocol):
    """What a transport goes over: the part of a socket that it uses."""

    complaint: str  # what is known of an end beside the end itself; "" = nothing
    probed: bool  # whether the kernel asks the peer for signs of life

    def recv(self, size: int, /) -> bytes:
        """The next bytes, at most `size`; none at the end."""
        ...

    def send(self, piece: bytes, /) -> int:
        """Send as much as there is room for."""
        ...

    def settimeout(self, timeout: float | None, /) -> None:
        """How long these two wait, in seconds."""
        ...

    def close(self) -> None:
        """Give it up."""
        ...

    def hang_up(self) -> None:
        """Wake every thread that waits; safe when it is closed already."""
        ...


class QuickSocket(socket.socket):
    """A TCP socket without the two delays that small packets otherwise wait for.

    It reads ahead: paramiko asks for each packet in two pieces, and every call into the kernel is
    a turn in the queue of threads for the interpreter.
    """

    _ahead = b""

    complaint = ""
    probed = True

    def tune(self, *, idle: int = IDLE, give_up: int = GIVE_UP) -> None:
        """Send at once, acknowledge at once, and notice a dead link."""
        self.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if sys.platform == "linux":
            self.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            self.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, idle)
            self.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, idle)
            self.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, give_up * 1000)

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """The next bytes, at most `size`."""
        if not self._ahead:
            self._ahead = self._receive(max(size, READ_AHEAD), flags)
        piece, self._ahead = self._ahead[:size], self._ahead[size:]
        return piece

    def _receive(self, size: int, flags: int) -> bytes:
        """Receive, and re-arm the quick acknowledgement: the kernel disarms it by itself."""
        try:
            piece = super().recv(size, flags)
        except TimeoutError as error:
            if error.errno == errno.ETIMEDOUT:
                # Not the socket's own time-out, after which paramiko tries again: a dead link.
                raise ConnectionError(error.errno, error.strerror) from error
            raise
        if sys.platform == "linux":
            self.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return piece

    def hang_up(self) -> None:
        """Wake every thread that waits on the socket; safe when it is closed already."""
        try:
            self.shutdown(socket.SHUT_RDWR)
        except OSError:
            return


class TunedTransport(Transport):
    """A transport for one exec channel at a time that says when anything happens.

    `noticed` is set after every message for a channel that somebody may wait for, after the
    handshake and at the end, so one thread can wait for all of them at once.
    """

    # Only to look whether to stop, which closing the socket tells as well: no need to hurry.
    _active_check_timeout = 60.0

    def __init__(
        self,
        sock: Wire,
        *,
        host_key_types: Sequence[str],
        certified: bool = False,
        wanted: Algorithms = OURS,
    ) -> None:
        # types-paramiko names the kinds of sockets; any that has these methods will do.
        super().__init__(sock, packetizer_class=QuietPacketizer)  # type: ignore[arg-type]
        self.noticed = threading.Event()
        self.service_requested = False  # that of authentication
        self.farewell = ""  # what the host said when it ended the connection
        self._socket = sock
        self.banner_timeout = self.auth_timeout = self._active_check_timeout * 60
        self._certified = certified
        options = self.get_security_options()
        keys = reorder(algorithms(host_key_types), SIGNATURES)
        options.kex = chosen("KexAlgorithms", wanted.key_exchanges, KEY_EXCHANGES, options.kex)
        options.ciphers = chosen("Ciphers", wanted.ciphers, CIPHERS, options.ciphers)
        options.digests = chosen("MACs", wanted.macs, MACS, options.digests)
        options.key_types = chosen("HostKeyAlgorithms", wanted.host_keys, keys, options.key_types)
        handlers = {**CHANNEL_HANDLERS, MSG_CHANNEL_REQUEST: handle_request}
        self._channel_handler_table = {
            number: handler if number in UNREMARKABLE else self._noticing(handler)
            for number, handler in handlers.items()
        } | {MSG_CHANNEL_WINDOW_ADJUST: self._noticing_room(handlers[MSG_CHANNEL_WINDOW_ADJUST])}
        for number in (MSG_CHANNEL_DATA, MSG_CHANNEL_EXTENDED_DATA):
            self._channel_handler_table[number] = self._noticing(within_window(handlers[number]))

    @property
    def preferred_keys(self) -> tuple[str, ...]:
        """The types of host keys to ask for; with certificates first, or without any.

        paramiko offers certificates last, so that it never gets one from a host with bare keys.
        """
        bare = tuple(self.get_security_options().key_types)
        return (*(f"{each}{CERTIFICATE}" for each in bare), *bare) if self._certified else bare

    @property
    def first_lines(self) -> tuple[str, ...]:
        """What the peer said before the key exchange, its banner included."""
        packetizer = self.packetizer
        return tuple(packetizer.first_lines) if isinstance(packetizer, QuietPacketizer) else ()

    def run(self) -> None:
        """Serve the connection until it ends; then tell who waits."""
        try:
            super().run()
        finally:
            self.noticed.set()

    def open_channel(self, *args: Any, **kwargs: Any) -> Channel:
        """Open a channel that sends nothing after its close."""
        channel = super().open_channel(*args, **kwargs)
        channel.transport = Outlet(self, channel)  # type: ignore[assignment]
        return channel

    def watch(self, *, interval: float, patience: int) -> None:
        """Ask the peer for a sign of life after each `interval` (seconds) of silence.

        The link is lost after `patience` such requests and one interval more. For links whose
        far end the kernel does not know.
        """
        packetizer = self.packetizer
        if isinstance(packetizer, QuietPacketizer):
            packetizer.ask, packetizer.patience = self._ask_for_life, patience
            self._socket.settimeout(interval)

    def _ask_for_life(self) -> None:
        message = Message()
        message.add_byte(cMSG_GLOBAL_REQUEST)
        message.add_string("keepalive@openssh.com")  # unknown or not, it is answered
        message.add_boolean(WANT_REPLY)
        with suppress(EOFError, OSError, SSHException):
            self._send_user_message(message)  # type: ignore[attr-defined]

    def request_terminal(self, channel: Channel) -> None:
        """Ask for a terminal that passes bytes on as they are; `Channel.get_pty` sends no modes."""
        message = Message()
        message.add_byte(cMSG_CHANNEL_REQUEST)
        message.add_int(channel.remote_chanid)
        message.add_string("pty-req")
        message.add_boolean(not WANT_REPLY)
        message.add_string("dumb")
        for size in (80, 24, 0, 0):  # columns and rows, then both in pixels
            message.add_int(size)
        message.add_string(RAW_MODES)
        self._send_user_message(message)  # type: ignore[attr-defined]

    def request_exec(self, channel: Channel, command: bytes) -> None:
        """Ask for `command` on `channel` without waiting for the answer.

        A refusal closes the channel. `Channel.exec_command` waits for the answer without end,
        and what is to be fed to the command would wait for a round trip.
        """
        message = Message()
        message.add_byte(cMSG_CHANNEL_REQUEST)
        message.add_int(channel.remote_chanid)
        message.add_string("exec")
        message.add_boolean(WANT_REPLY)
        message.add_string(command)
        self._send_user_message(message)  # type: ignore[attr-defined]

    def attempt(self) -> Authentication:
        """A new attempt to be let in."""
        found = self.auth_handler = Authentication(self)
        return found

    def hang_up(self) -> None:
        """End the connection now, from any thread."""
        self._socket.hang_up()  # the thread that reads comes to the end
        if self.is_alive() and self is not threading.current_thread():
            # close() closes the descriptor, whose number another connection may get at once: the
            # thread would wait for that one's bytes.
            self.join(2.0)
        self.close()
        self._socket.close()

    def _filter_algorithm(self, kind: str) -> Sequence[str]:
        """All that was chosen: nothing is disabled besides, which paramiko looks up 200 times."""
        found: Sequence[str] = getattr(self, f"_preferred_{kind}")
        return found

    def _log(self, *_: object) -> None:
        """Log nothing: what matters is raised as well."""

    def _parse_debug(self, message: Message) -> None:
        """Pass over what sshd tells of itself at each login."""

    def _parse_ext_info(self, message: Message) -> None:
        """Take what the peer tells of itself; paramiko believes its count, and makes a list."""
        if message.get_int() > MOST_EXTENSIONS:
            raise SSHException("more extensions than there are")
        message.rewind()
        super()._parse_ext_info(message)  # type: ignore[misc]

    def _parse_disconnect(self, message: Message) -> None:
        message.get_int()  # the reason's code
        self.farewell = message.get_text()

    def _noticing(self, handler: Handler) -> Handler:
        def handle(channel: Channel, message: Message) -> None:
            handler(channel, message)
            self.noticed.set()

        return handle

    def _noticing_room(self, handler: Handler) -> Handler:
        """The same where somebody may wait for room: sshd grants more after each 32 KiB."""

        def handle(channel: Channel, message: Message) -> None:
            full = channel.out_window_size == 0
            handler(channel, message)
            if full:
                self.noticed.set()

        return handle


def within_window(handler: Handler) -> Handler:
    """The same for a host that sends no more than it was told there is room for.

    paramiko does not look: what nobody reads would fill the memory.
    """

    def handle(channel: Channel, message: Message) -> None:
        handler(channel, message)
        unread = len(channel.in_buffer) + len(channel.in_stderr_buffer)
        if unread > channel.in_window_size:
            raise SSHException("it sends more than it was told there is room for")

    return handle


class Outlet:
    """The transport as one of its channels sees it: the channel's close is the last it sends.

    A channel of paramiko puts a message together under a lock and sends it after that, so its
    close, by another thread or by the host, may overtake the message. sshd then hears of a channel
    that it has forgotten and ends the connection: of a jump host, for all hosts behind it.
    """

    def __init__(self, transport: Transport, channel: Channel) -> None:
        self._transport = transport
        self._channel = channel
        self._turn = threading.Lock()

    def __getattr__(self, name: str) -> object:
        return getattr(self._transport, name)

    def _send_user_message(self, message: Message) -> None:
        with self._turn:
            # Marked as closed before its close is sent, which waits here for what is under way.
            if not self._channel.closed or message.asbytes()[0] == MSG_CHANNEL_CLOSE:
                self._transport._send_user_message(message)  # type: ignore[attr-defined]  # noqa: SLF001


def handle_request(channel: Channel, message: Message) -> None:
    """Take the status of a command that a signal ended, which paramiko passes over."""
    if message.get_text() == "exit-signal":
        message.get_boolean()
        channel.exit_status = 128 + signal_number(message.get_text())
        channel.status_event.set()
        return
    message.rewind()
    message.get_int()  # the channel's number, read already by the caller
    channel._handle_request(message)  # type: ignore[attr-defined]  # noqa: SLF001


def signal_number(name: str) -> int:
    """The number of the signal `TERM`; 0 for one that has no name in RFC 4254."""
    try:
        return signal.Signals[f"SIG{name}"].value
    except KeyError:
        return 0
