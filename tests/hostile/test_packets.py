"""SSH servers that lie below every command: about sizes, counts, room and where a line ends."""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from paramiko import Ed25519Key, Message, ServerInterface, Transport
from paramiko.common import (
    AUTH_SUCCESSFUL,
    MSG_USERAUTH_INFO_REQUEST,
    OPEN_SUCCEEDED,
    cMSG_CHANNEL_DATA,
)
from paramiko.ssh_exception import SSHException

from fleetbpf.connections.answers import Answers
from fleetbpf.connections.packets import QuietPacketizer
from fleetbpf.connections.routes import Routes
from fleetbpf.connections.settings import Operator
from fleetbpf.connections.ssh import SSHConnection
from fleetbpf.connections.transport import QuickSocket, TunedTransport
from fleetbpf.errors import UnreachableError
from fleetbpf.execution.command import END, Command
from fleetbpf.execution.feed import Feed
from fleetbpf.limits import MIB
from fleetbpf.model.inventory import Host
from tests.integration.sshd import ADDRESS, make_key
from tests.tools import need
from tests.waiting import wait_until

pytestmark = pytest.mark.ssh
HUGE = 2**31 - 1


@contextlib.contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """A port on which the one connection is served so."""
    with socket.create_server((ADDRESS, 0)) as listener:

        def accept() -> None:
            with contextlib.suppress(OSError, EOFError, SSHException):
                connection, _ = listener.accept()
                with connection:
                    serve(connection)

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]


def routes(home: Path) -> Routes:
    return Routes(Operator(home=home, environment={}, system=home / "etc-ssh"))


def host(home: Path, port: int) -> Host:
    make_key(home / "identity")
    public = " ".join((home / "identity.pub").read_text().split()[:2])
    (home / "known_hosts").write_text(f"[{ADDRESS}]:{port} {public}\n")
    return Host(
        name="evil",
        address=ADDRESS,
        port=port,
        user="root",
        identity_file=home / "identity",
        known_hosts_file=home / "known_hosts",
    )


def refusal(home: Path, serve: Callable[[socket.socket], None]) -> str:
    """Why a login there ends, long before its time is over."""
    need("ssh-keygen")
    began = time.monotonic()
    with listening(serve) as port, routes(home) as ways, pytest.raises(UnreachableError) as caught:
        ways.log_in(host(home, port), timeout=60)
    assert time.monotonic() - began < 15
    return str(caught.value)


def test_a_greeting_without_an_end_is_not_listened_to(tmp_path: Path) -> None:
    def serve(connection: socket.socket) -> None:
        while True:
            connection.sendall(b"A" * 65536)

    assert "not an SSH server: it says more than 65536 bytes" in refusal(tmp_path, serve)


def test_a_packet_is_not_waited_for_that_nobody_would_send(tmp_path: Path) -> None:
    def serve(connection: socket.socket) -> None:
        connection.sendall(b"SSH-2.0-x\r\n" + struct.pack(">I", 0xFFFFFFF4) + b"\0" * 28)
        connection.recv(65536)
        time.sleep(30)

    assert "announces a packet of" in refusal(tmp_path, serve)


class Liar(ServerInterface):
    """Lets everybody in; what is asked is answered with END, then more than there is room for."""

    def check_auth_publickey(self, username: str, key: object) -> int:
        return AUTH_SUCCESSFUL

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: object, command: bytes) -> bool:
        return True


class Patient(Feed):
    """Takes END for the word that a shell waits."""

    heard = b""

    def hear(self, piece: bytes) -> None:
        self.heard += piece

    @property
    def waits(self) -> bool:
        return self.heard.endswith(END)


def flood(home: Path, heard: threading.Event, sent: list[int]) -> Callable[[socket.socket], None]:
    """Says that all is told and, when that was heard, more than there is room for."""

    def serve(connection: socket.socket) -> None:
        transport = Transport(connection)
        transport.add_server_key(Ed25519Key(filename=str(home / "identity")))
        transport.start_server(server=Liar())
        channel = transport.accept(60)
        assert channel is not None
        for piece in (END, *(b"A" * 32768 for _ in range(32 * 32))):
            message = Message()
            message.add_byte(cMSG_CHANNEL_DATA)
            message.add_int(channel.remote_chanid)
            message.add_string(piece)
            transport._send_user_message(message)  # type: ignore[attr-defined]
            sent.append(len(piece))
            assert heard.wait(60)
        time.sleep(60)

    return serve


def test_what_nobody_reads_does_not_fill_the_memory(tmp_path: Path) -> None:
    need("ssh-keygen")
    sent: list[int] = []
    heard = threading.Event()
    with (
        listening(flood(tmp_path, heard, sent)) as port,
        routes(tmp_path) as ways,
        ways.log_in(host(tmp_path, port), timeout=60) as there,
    ):
        assert isinstance(there, SSHConnection)
        patient = Patient()
        there.run(Command("facts"), stdin=patient, stdout=patient.hear, timeout=60)
        assert there.waits
        heard.set()
        transport = there._transport
        wait_until(lambda: not transport.is_active(), seconds=30, what="the link is given up")
    assert sum(sent) < 16 * MIB


def asked(count: int) -> Message:
    message = Message()
    for text in ("", "", ""):
        message.add_string(text)
    message.add_int(count)
    message.rewind()
    return message


@pytest.fixture
def transport() -> Iterator[TunedTransport]:
    ours, theirs = socket.socketpair()
    with theirs, QuickSocket(fileno=ours.detach()) as wire:
        yield TunedTransport(wire, host_key_types=["ssh-ed25519"])


def test_nobody_believes_in_millions_of_questions(transport: TunedTransport) -> None:
    attempt = transport.attempt()
    attempt.auth_method = "keyboard-interactive"
    handlers = attempt._client_handler_table  # type: ignore[attr-defined]
    handle = handlers[MSG_USERAUTH_INFO_REQUEST]
    with pytest.raises(SSHException, match="more questions"):
        handle(asked(1_000_000))


def test_nobody_believes_in_millions_of_extensions(transport: TunedTransport) -> None:
    message = Message()
    message.add_int(1_000_000)
    message.rewind()
    with pytest.raises(SSHException, match="extensions"):
        transport._parse_ext_info(message)


def test_a_host_that_asks_again_and_again_is_quoted_but_once() -> None:
    answers = Answers("hunter2")
    for _ in range(1000):
        answers("title", "instructions " * 10, [("question? ", True)])
    assert len(answers.unanswered) <= 1000


class Full:
    """A wire on which there is never room."""

    def send(self, piece: bytes, /) -> int:
        raise TimeoutError


def test_a_peer_that_takes_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10_000, 10))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(clock)))
    with pytest.raises(EOFError):
        QuietPacketizer(Full()).write_all(b"x")
