"""Which keys are shown to a host: certificates, keys in agents and in FIDO tokens."""

import base64
import getpass
import hashlib
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from paramiko import Message

from fleetbpf.connections.routes import Routes
from fleetbpf.errors import UnreachableError
from fleetbpf.execution.command import Command
from fleetbpf.model.inventory import Host, SshOption
from tests.integration.agents import add
from tests.integration.conftest import StartServer, connect, routes_of
from tests.integration.sshd import Server, make_key

pytestmark = pytest.mark.ssh
APPLICATION = b"ssh:"
TOUCHED = b"\x01"


def option(keyword: str, *words: str) -> SshOption:
    return SshOption(keyword=keyword, text=" ".join(words), words=words, place="test")


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    return make_key(tmp_path / "authority")


@pytest.fixture
def certifying(start_server: StartServer, authority: Path) -> Server:
    """A server that lets in whom the authority vouches for, and nobody else."""
    server = start_server(more=f"TrustedUserCAKeys {authority}.pub\n")
    (server.folder / "authorized_keys").write_text("")
    return server


def signed(key: Path, authority: Path, *arguments: str) -> Path:
    """A key, with its certificate beside it; the certificate's path."""
    me = getpass.getuser()
    command = ["ssh-keygen", "-q", "-s", str(authority), "-I", "me", "-n", me, *arguments]
    subprocess.run([*command, f"{key}.pub"], check=True, capture_output=True)
    return key.with_name(f"{key.name}-cert.pub")


def lets_in(host: Host, routes: Routes) -> bool:
    try:
        with connect(host, routes=routes) as connection:
            return connection.run(Command("true")).status == 0
    except UnreachableError as error:
        if "permission denied" not in str(error):
            raise
        return False


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_certificate_beside_the_key_is_shown(
    certifying: Server, authority: Path, routes: Routes, tmp_path: Path, kind: str
) -> None:
    key = make_key(tmp_path / "key", kind=kind)
    host = certifying.host(identity_file=key)
    assert not lets_in(host, routes_of(tmp_path))

    signed(key, authority)

    assert lets_in(host, routes)


def test_a_certificate_may_lie_elsewhere(
    certifying: Server, authority: Path, routes: Routes, tmp_path: Path
) -> None:
    key = make_key(tmp_path / "key")
    elsewhere = signed(key, authority).rename(tmp_path / "certificate.pub")

    named = option("certificatefile", str(elsewhere))
    host = certifying.host(identity_file=key, ssh_options=(named,))

    assert lets_in(host, routes)


def test_an_expired_certificate_is_named_among_what_was_tried(
    certifying: Server, authority: Path, routes: Routes, tmp_path: Path
) -> None:
    key = make_key(tmp_path / "key")
    certificate = signed(key, authority, "-V", "20200101:20200102")

    with pytest.raises(UnreachableError, match=f"tried: {certificate}, {key}"):
        connect(certifying.host(identity_file=key), routes=routes)


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_a_certificate_in_an_agent_is_used(
    certifying: Server, authority: Path, agent: Path, tmp_path: Path, kind: str
) -> None:
    key = make_key(tmp_path / "key", kind=kind)
    signed(key, authority)
    add(agent, key)
    host = certifying.host(identity_file=None)

    assert lets_in(host, routes_of(tmp_path, agent=agent))


def test_a_certificate_in_a_file_is_shown_for_a_key_in_an_agent(
    certifying: Server, authority: Path, agent: Path, tmp_path: Path
) -> None:
    key = make_key(tmp_path / "key")
    add(agent, key)
    certificate = signed(key, authority)
    key.unlink()
    named = option("certificatefile", str(certificate))
    host = certifying.host(identity_file=None, ssh_options=(named,))

    assert lets_in(host, routes_of(tmp_path, agent=agent))


def test_a_public_key_names_a_key_of_the_agent(
    start_server: StartServer, agent: Path, tmp_path: Path
) -> None:
    """Of an agent with more keys than the host has patience for, the right one comes first."""
    server = start_server(more="MaxAuthTries 2\n")
    for number in range(4):
        add(agent, make_key(tmp_path / f"key{number}"))
    add(agent, server.identity)
    routes = routes_of(tmp_path, agent=agent)
    public = option("identityfile", f"{server.identity}.pub")

    assert lets_in(server.host(identity_file=None, ssh_options=(public,)), routes)


def test_only_the_keys_that_are_named_are_used(server: Server, agent: Path, tmp_path: Path) -> None:
    add(agent, server.identity)
    other = option("identityfile", str(make_key(tmp_path / "other")))
    only = option("identitiesonly", "yes")
    routes = routes_of(tmp_path, agent=agent)

    assert lets_in(server.host(identity_file=None, ssh_options=(other,)), routes)
    strict = server.host(name="web2", identity_file=None, ssh_options=(other, only))
    assert not lets_in(strict, routes)


def test_another_agent_may_be_named(server: Server, agent: Path, tmp_path: Path) -> None:
    add(agent, server.identity)
    named = option("identityagent", str(agent))

    assert lets_in(server.host(identity_file=None, ssh_options=(named,)), routes_of(tmp_path))


# --- keys in FIDO tokens ---------------------------------------------------------------------


class Token:
    """A FIDO token as an agent shows it (OpenSSH's PROTOCOL.u2f); touched at once."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()

    @property
    def public(self) -> bytes:
        message = Message()
        message.add_string("sk-ssh-ed25519@openssh.com")
        raw = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        message.add_string(raw)
        message.add_string(APPLICATION)
        return message.asbytes()

    def sign(self, data: bytes) -> bytes:
        counter = struct.pack(">I", 7)
        parts = (hashlib.sha256(APPLICATION).digest(), TOUCHED, counter)
        signature = Message()
        signature.add_string("sk-ssh-ed25519@openssh.com")
        signature.add_string(self._key.sign(b"".join(parts) + hashlib.sha256(data).digest()))
        return signature.asbytes() + TOUCHED + counter

    def answer(self, request: bytes) -> bytes:
        message = Message()
        if request[0] == 11:  # SSH_AGENTC_REQUEST_IDENTITIES
            message.add_byte(b"\x0c")
            message.add_int(1)
            message.add_string(self.public)
            message.add_string("token")
        else:
            asked = Message(request[1:])
            assert asked.get_binary() == self.public
            message.add_byte(b"\x0e")
            message.add_string(self.sign(asked.get_binary()))
        return message.asbytes()


@contextmanager
def served(token: Token, address: Path) -> Iterator[None]:
    """An agent that holds the token."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(address))
        listener.listen()

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection, connection.makefile("rb") as stream:
                        (size,) = struct.unpack(">I", stream.read(4))
                        answer = token.answer(stream.read(size))
                        connection.sendall(struct.pack(">I", len(answer)) + answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(60)


def test_a_key_in_a_token_signs_through_the_agent(server: Server, tmp_path: Path) -> None:
    token = Token()
    with (server.folder / "authorized_keys").open("a") as file:
        file.write(f"sk-ssh-ed25519@openssh.com {base64.b64encode(token.public).decode()}\n")

    with served(token, tmp_path / "token"):
        routes = routes_of(tmp_path, agent=tmp_path / "token")

        assert lets_in(server.host(identity_file=None), routes)
