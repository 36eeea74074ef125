"""What SSH connections decide without a wire."""

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from paramiko import Channel, Message
from paramiko.common import MSG_CHANNEL_CLOSE, MSG_CHANNEL_DATA

from fleetbpf.connections import reasons
from fleetbpf.connections.algorithms import CIPHERS, KEY_EXCHANGES, algorithms, reorder
from fleetbpf.connections.keys.identities import read_identity
from fleetbpf.connections.keys.keyring import Keyring
from fleetbpf.connections.login import counted
from fleetbpf.connections.routes import Routes
from fleetbpf.connections.settings import ConnectionSettings, Operator
from fleetbpf.connections.transport import (
    Outlet,
    QuickSocket,
    TunedTransport,
    signal_number,
)
from fleetbpf.errors import InputError
from fleetbpf.execution.local import LocalConnection
from fleetbpf.model.inventory import ConnectionKind, Host
from tests.waiting import wait_until

HOST = ConnectionSettings(
    name="web1", address="10.0.0.1", port=2222, user="ops", known_hosts_files=()
)


@pytest.fixture
def transport() -> Iterator[TunedTransport]:
    with QuickSocket() as socket:
        yield TunedTransport(socket, host_key_types=["ssh-rsa", "unheard-of"])


def test_known_types_of_host_keys_are_asked_for_first(transport: TunedTransport) -> None:
    types = tuple(transport.preferred_keys)

    assert types[:2] == ("rsa-sha2-512", "rsa-sha2-256")
    assert "ssh-ed25519" in types
    assert "unheard-of" not in types


def test_the_fast_key_exchange_and_cipher_come_first_and_all_are_offered(
    transport: TunedTransport,
) -> None:
    assert transport.preferred_kex[0] == KEY_EXCHANGES[0]
    assert {"diffie-hellman-group14-sha256", "diffie-hellman-group16-sha512"} <= set(
        transport.preferred_kex
    )
    assert transport.preferred_ciphers[0] == CIPHERS[0]
    assert "aes256-ctr" in transport.preferred_ciphers


def test_the_farewell_of_a_host_is_remembered(transport: TunedTransport) -> None:
    message = Message()
    message.add_int(2)
    message.add_string("Too many authentication failures")
    message.rewind()

    transport._parse_disconnect(message)

    assert transport.farewell == "Too many authentication failures"


class Busy:
    """A wire from which somebody still reads when it has ended."""

    complaint = ""
    probed = True
    _closed = False  # paramiko looks at it, as sockets have it

    def __init__(self) -> None:
        self.reads, self.ended, self.closed = (threading.Event() for _ in range(3))
        self.closed_under_the_reader: bool | None = None

    def recv(self, _: int, /) -> bytes:
        self.reads.set()
        self.ended.wait(60)
        self.closed_under_the_reader = self.closed.wait(0.5)
        return b""

    def send(self, piece: bytes, /) -> int:
        return len(piece)

    def settimeout(self, timeout: float | None, /) -> None:
        """Wait as long as it takes."""

    def close(self) -> None:
        self.closed.set()

    def hang_up(self) -> None:
        self.ended.set()


def test_a_connection_is_closed_when_nobody_reads_from_it_any_more() -> None:
    wire = Busy()
    transport = TunedTransport(wire, host_key_types=["ssh-ed25519"])
    transport.start_client(event=threading.Event())
    assert wire.reads.wait(60)

    transport.hang_up()

    # Else the descriptor's number goes to another connection, and the reader waits for its bytes.
    assert wire.closed_under_the_reader is False
    assert wire.closed.is_set()
    assert not transport.is_alive()


class SlowTransport(TunedTransport):
    """Notes what it shall send; data only when it is allowed to."""

    def __init__(self, wire: Busy) -> None:
        super().__init__(wire, host_key_types=["ssh-ed25519"])
        self.sent: list[int] = []
        self.asked, self.allowed = threading.Event(), threading.Event()

    def _send_user_message(self, message: Message) -> None:
        kind = message.asbytes()[0]
        if kind == MSG_CHANNEL_DATA:
            self.asked.set()
            assert self.allowed.wait(60)
        self.sent.append(kind)


def channel_of(transport: TunedTransport) -> Channel:
    """An open channel, without a host that agrees to it."""
    channel = Channel(1)
    channel._set_transport(transport)  # type: ignore[attr-defined]
    channel._set_remote_channel(1, 1000, 1000)  # type: ignore[attr-defined]
    channel.transport = Outlet(transport, channel)  # type: ignore[assignment]
    return channel


def test_the_close_of_a_channel_waits_for_what_is_being_sent() -> None:
    transport = SlowTransport(Busy())
    channel = channel_of(transport)
    sending = threading.Thread(target=channel.send, args=[b"x"])
    closing = threading.Thread(target=channel.close)

    sending.start()
    assert transport.asked.wait(60)
    closing.start()
    wait_until(lambda: channel.closed, what="marked as closed")
    closing.join(0.5)
    assert transport.sent == []
    transport.allowed.set()
    sending.join(60)
    closing.join(60)

    assert transport.sent == [MSG_CHANNEL_DATA, MSG_CHANNEL_CLOSE]


def test_what_a_close_has_overtaken_is_not_sent() -> None:
    transport = SlowTransport(Busy())
    transport.allowed.set()
    channel = channel_of(transport)
    late = Message()
    late.add_byte(bytes([MSG_CHANNEL_DATA]))

    channel.close()
    channel.transport._send_user_message(late)  # type: ignore[union-attr]

    assert transport.sent == [MSG_CHANNEL_CLOSE]


@pytest.mark.parametrize(
    ("name", "number"), [("TERM", 15), ("KILL", 9), ("SIG@openssh.com", 0), ("", 0)]
)
def test_signals_have_their_numbers(name: str, number: int) -> None:
    assert signal_number(name) == number


def test_key_types_become_signature_algorithms() -> None:
    assert algorithms(["ssh-ed25519", "ssh-rsa"]) == (
        "ssh-ed25519",
        "rsa-sha2-512",
        "rsa-sha2-256",
    )


def test_reordering_adds_nothing_and_drops_nothing() -> None:
    assert reorder(("c", "x"), ("a", "b", "c")) == ("c", "a", "b")


def test_repeated_sources_of_keys_are_counted() -> None:
    assert counted(["/key", "agent", "agent"]) == ("/key", "agent (2 keys)")


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (OSError(errno.EHOSTUNREACH, "No route to host"), "no route to host"),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), "no route to host"),
        (OSError(errno.EACCES, "Permission denied"), "Permission denied"),
        (TimeoutError(), "timed out after 5 s while connecting"),
    ],
)
def test_errors_of_the_network_are_named(error: OSError, what: str) -> None:
    (problem,) = reasons.not_dialled(HOST, error, timeout=5).problems

    assert (problem.where, problem.what) == ("web1", f"10.0.0.1:2222: {what}")
    assert problem.hint


def test_a_dead_link_is_told_from_a_closed_one() -> None:
    dead = reasons.lost(HOST, ConnectionError(errno.ETIMEDOUT, ""), phase="running sh", farewell="")

    assert "no sign of life from the host: link lost while running sh" in str(dead)


def test_what_a_host_says_cannot_steer_the_terminal() -> None:
    error = reasons.lost(HOST, None, phase="running sh", farewell="bye\x1b[2J\n")

    assert str(error).isprintable()


def test_an_ipv6_address_stands_in_brackets() -> None:
    assert reasons.endpoint(replace(HOST, address="fe80::1", port=22)) == "[fe80::1]:22"


def test_all_unusable_identity_files_are_found_before_any_contact(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no key")
    hosts = [
        Host(name="web1", address="web1", identity_file=tmp_path / "missing"),
        Host(name="web2", address="web2", identity_file=tmp_path / "text"),
        Host(name="web3", address="web3"),
        Host(
            name="here",
            address="here",
            connection=ConnectionKind.LOCAL,
            identity_file=tmp_path / "missing too",
        ),
    ]

    with pytest.raises(InputError) as caught:
        Routes(Operator(home=tmp_path)).check(hosts)

    assert [problem.where for problem in caught.value.problems] == ["web1", "web2"]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o610])
def test_a_key_that_others_may_read_is_refused_with_its_cure(tmp_path: Path, mode: int) -> None:
    key = tmp_path / "key"
    key.write_text("-----BEGIN OPENSSH PRIVATE KEY-----")
    key.chmod(mode)

    with pytest.raises(InputError) as caught:
        read_identity(key)

    (problem,) = caught.value.problems
    assert problem.what.endswith(f"its mode is {mode:04o}")
    assert problem.hint == f"chmod 600 {key}"


def test_a_key_that_you_may_not_read_is_not_to_be_made_anew(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.touch(mode=0o000)
    who = os.geteuid()
    try:
        if who == 0:
            os.seteuid(65534)
        with pytest.raises(InputError) as caught:
            read_identity(key)
    finally:
        os.seteuid(who)

    (problem,) = caught.value.problems
    assert problem.what == "you may not read the key: Permission denied"
    assert "chown" in problem.hint
    assert "ssh-keygen" not in problem.hint


def test_a_known_hosts_file_is_read_once_per_run(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text("web1 ssh-ed25519 AAAA\n")
    keyring = Keyring()
    settings = replace(HOST, known_hosts_files=(file,))
    first = keyring.known_hosts(settings)
    file.unlink()

    assert keyring.known_hosts(settings) is first


def test_a_local_host_needs_no_ssh(tmp_path: Path) -> None:
    host = Host(name="here", address="here", connection=ConnectionKind.LOCAL)

    with Routes(Operator(home=tmp_path)).log_in(host) as connection:
        assert isinstance(connection, LocalConnection)


def test_what_every_command_imports_does_not_import_paramiko() -> None:
    imports = (
        "import fleetbpf.connections.routes, fleetbpf.connections.keys.keyring, sys;"
        "sys.exit('paramiko' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", imports], check=False).returncode == 0
