"""Hosts that speak another encoding than UTF-8 before the login, in it, and as they end it."""

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleetbpf.connections.packets import ForgivingMessage, Line
from fleetbpf.connections.routes import Routes
from fleetbpf.execution.command import Command
from tests.integration.conftest import StartServer
from tests.integration.sshd import ADDRESS, Server

pytestmark = pytest.mark.ssh
LATIN = "Gerät 7".encode("latin-1")


def lets_in(server: Server, routes: Routes, **changes: object) -> bool:
    with routes.open(server.host(**changes), timeout=60) as connection:
        return connection.run(Command("echo", "in"), timeout=60).stdout == b"in\n"


@pytest.mark.parametrize("comment", [LATIN, "日本".encode("euc-jp"), b"\xff\xfe\x80", b"\xc3"])
def test_the_comment_of_a_banner_may_be_in_any_encoding(
    start_server: StartServer, routes: Routes, comment: bytes
) -> None:
    server = start_server(first=f"VersionAddendum {os.fsdecode(comment)}")
    assert lets_in(server, routes)


@contextlib.contextmanager
def behind(server: Server, said: bytes) -> Iterator[int]:
    """A port that leads to a server, and says something before it does."""
    with socket.create_server((ADDRESS, 0)) as listener:

        def pass_on(source: socket.socket, target: socket.socket) -> None:
            with contextlib.suppress(OSError):
                while piece := source.recv(65536):
                    target.sendall(piece)
                target.shutdown(socket.SHUT_WR)

        def serve() -> None:
            client, _ = listener.accept()
            with client, socket.create_connection((ADDRESS, server.port)) as there:
                client.sendall(said)
                forth = threading.Thread(target=pass_on, args=(client, there))
                forth.start()
                pass_on(there, client)
                forth.join(60)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(60)


@pytest.mark.parametrize(
    "said",
    [
        LATIN + b"\r\n",
        b"\xff\xfe\n\n",
        "Привет\n".encode("koi8-r") * 20,
        "äöü\n".encode(),
        b"a\n" * 999,
    ],
    ids=["latin-1", "empty", "koi8-r", "utf-8", "many"],
)
def test_lines_before_the_banner_may_be_in_any_encoding(
    server: Server, routes: Routes, tmp_path: Path, said: bytes
) -> None:
    with behind(server, said) as port:
        known = tmp_path / "known_hosts"
        known.write_text(f"[{ADDRESS}]:{port} {server.public_key()}\n")
        assert lets_in(server, routes, port=port, known_hosts_file=known)


def test_the_text_of_a_login_may_be_in_any_encoding(
    start_server: StartServer, routes: Routes
) -> None:
    server = start_server()
    banner = server.folder / "banner"
    banner.write_bytes(LATIN + b"\n\xff\xfe\n")
    other = start_server(first=f"Banner {banner}")
    assert lets_in(other, routes)


def test_a_line_is_hashed_as_it_was_sent() -> None:
    line = Line(b"SSH-2.0-x " + LATIN)
    assert line == "SSH-2.0-x Ger\ufffdt 7"
    assert line.encode() == b"SSH-2.0-x " + LATIN


def test_questions_may_be_in_any_encoding() -> None:
    message = ForgivingMessage()
    message.add_string(LATIN)
    message.rewind()
    assert message.get_text() == "Ger\ufffdt 7"
