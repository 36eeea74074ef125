"""What a person reads when a host cannot be reached or lets nobody in."""

import contextlib
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fleetbpf.connections.keys.known_hosts import fingerprint
from fleetbpf.connections.routes import Routes
from fleetbpf.errors import ExitCode, Problem, UnreachableError
from fleetbpf.execution.command import Command
from fleetbpf.model.inventory import Host, SshOption
from tests.integration.agents import add
from tests.integration.conftest import StartServer, connect, routes_of
from tests.integration.sshd import ADDRESS, Server, free_port, make_key

pytestmark = pytest.mark.ssh


def refusal(host: Host, routes: Routes, *, timeout: float = 60) -> Problem:
    """The one problem with which connecting to `host` ends."""
    with pytest.raises(UnreachableError) as caught:
        connect(host, routes=routes, timeout=timeout).close()
    assert caught.value.exit_code is ExitCode.UNREACHABLE
    (problem,) = caught.value.problems
    assert problem.where == host.name
    return problem


@pytest.fixture
def routes(tmp_path: Path) -> Routes:
    """The ways of a user with a key that no host knows: without any, none would be visited."""
    (tmp_path / ".ssh").mkdir()
    make_key(tmp_path / ".ssh" / "id_ed25519")
    return routes_of(tmp_path)


@contextlib.contextmanager
def listening(serve: Callable[[socket.socket], object]) -> Iterator[int]:
    """A port on which every connection is handled by `serve`, then closed."""
    with socket.create_server((ADDRESS, 0)) as listener:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        serve(connection)

        thread = threading.Thread(target=accept)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(60)


def reset(connection: socket.socket) -> None:
    """Close so that the peer sees a reset, once it has said its banner."""
    connection.recv(100)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


# --- the way to the host ---------------------------------------------------------------------


def test_a_closed_port_is_a_refused_connection(routes: Routes) -> None:
    port = free_port()

    problem = refusal(Host(name="db 1", address=ADDRESS, port=port), routes)

    assert problem.what == f"{ADDRESS}:{port}: connection refused"
    assert "fleetbpf_port" in problem.hint


def test_a_name_that_is_not_resolved_is_said_so(routes: Routes) -> None:
    problem = refusal(Host(name="web1", address="no-such-host.invalid"), routes)

    assert problem.what == "no-such-host.invalid:22: name not resolved"


def test_a_name_that_no_resolver_takes_is_said_so(routes: Routes) -> None:
    problem = refusal(Host(name="web1", address="x" * 300), routes)

    assert "name not resolved" in problem.what


def test_a_host_that_does_not_answer_times_out(routes: Routes) -> None:
    with socket.socket() as full:  # nobody accepts, and the one place in the queue is taken
        full.bind((ADDRESS, 0))
        full.listen(0)
        address = full.getsockname()
        with contextlib.ExitStack() as opened:
            for _ in range(4):
                taker = opened.enter_context(socket.socket())
                taker.setblocking(False)
                taker.connect_ex(address)

            host = Host(name="web1", address=ADDRESS, port=address[1])
            problem = refusal(host, routes, timeout=0.5)

    assert "timed out after 0.5 s while connecting" in problem.what


def test_a_silent_port_times_out_waiting_for_the_banner(routes: Routes) -> None:
    done = threading.Event()
    with listening(lambda _: done.wait(60)) as port:
        problem = refusal(Host(name="web1", address=ADDRESS, port=port), routes, timeout=0.5)
        done.set()

    assert "timed out after 0.5 s while waiting for its SSH banner" in problem.what


def test_a_reset_before_the_banner_is_said_so(routes: Routes) -> None:
    with listening(reset) as port:
        problem = refusal(Host(name="web1", address=ADDRESS, port=port), routes)

    assert "connection reset before its SSH banner" in problem.what


def test_an_end_before_the_banner_hints_at_too_many_at_once(routes: Routes) -> None:
    with listening(lambda connection: connection.recv(100)) as port:
        problem = refusal(Host(name="web1", address=ADDRESS, port=port), routes)

    assert "connection closed by the host before its SSH banner" in problem.what
    assert "MaxStartups" in problem.hint


def test_another_kind_of_server_is_quoted(routes: Routes) -> None:
    with listening(lambda connection: connection.sendall(b"220 mail ESMTP\r\n")) as port:
        problem = refusal(Host(name="web1", address=ADDRESS, port=port), routes)

    assert "not an SSH server: it says '220 mail ESMTP'" in problem.what


def test_a_server_that_sends_no_text_is_no_ssh_server(routes: Routes) -> None:
    with listening(lambda connection: connection.sendall(b"\xff\xfe\n")) as port:
        problem = refusal(Host(name="web1", address=ADDRESS, port=port), routes)

    assert "not an SSH server: it does not send text" in problem.what


def test_an_end_in_the_key_exchange_names_that_step(routes: Routes) -> None:
    def greet(connection: socket.socket) -> None:
        connection.sendall(b"SSH-2.0-strange\r\n")
        connection.recv(4096)

    with listening(greet) as port:
        problem = refusal(Host(name="web1", address=ADDRESS, port=port), routes)

    assert "while exchanging keys" in problem.what


def test_a_stopped_sshd_times_out_in_the_key_exchange(routes: Routes) -> None:
    done = threading.Event()

    def greet(connection: socket.socket) -> None:
        connection.sendall(b"SSH-2.0-strange\r\n")
        done.wait(60)

    with listening(greet) as port:
        problem = refusal(Host(name="web1", address=ADDRESS, port=port), routes, timeout=0.5)
        done.set()

    assert "timed out after 0.5 s while exchanging keys" in problem.what


# --- the host's key --------------------------------------------------------------------------


def test_an_unknown_host_key_is_refused_with_the_cure(server: Server, routes: Routes) -> None:
    nowhere = server.folder / "no known hosts"

    problem = refusal(server.host(known_hosts_file=nowhere), routes)

    shown = fingerprint(server.key_bytes())
    assert problem.what == f"{ADDRESS}:{server.port}: unknown host key ssh-ed25519 {shown}"
    assert f"verify that {shown}" in problem.hint
    assert problem.hint.endswith(
        f"ssh-keyscan -t ed25519 -p {server.port} {ADDRESS} >> '{nowhere}'"
    )


def test_the_cure_for_an_unknown_host_key_cures(
    server: Server, routes: Routes, tmp_path: Path
) -> None:
    host = server.host(known_hosts_file=tmp_path / "known hosts")
    cure = refusal(host, routes).hint.partition("then: ")[2]

    subprocess.run(["sh", "-c", cure], check=True, capture_output=True)

    with connect(host, routes=routes_of(tmp_path), timeout=60) as connection:
        assert connection.run(Command("true")).status == 0


def test_a_changed_host_key_names_the_line_and_both_keys(
    server: Server, routes: Routes, tmp_path: Path
) -> None:
    other = make_key(tmp_path / "other").with_suffix(".pub").read_text().split()
    file = tmp_path / "known_hosts"
    file.write_text(f"# ours\n\n[{ADDRESS}]:{server.port} {other[0]} {other[1]}\n")

    problem = refusal(server.host(known_hosts_file=file), routes)

    assert "host key changed" in problem.what
    assert fingerprint(server.key_bytes()) in problem.what
    assert f"{file}:3 has ssh-ed25519 SHA256:" in problem.what
    assert f"ssh-keygen -f {file} -R '[{ADDRESS}]:{server.port}'" in problem.hint


def test_the_cure_for_a_changed_host_key_cures(
    server: Server, routes: Routes, tmp_path: Path
) -> None:
    other = make_key(tmp_path / "other").with_suffix(".pub").read_text().split()
    file = tmp_path / "known_hosts"
    file.write_text(f"[{ADDRESS}]:{server.port} {other[0]} {other[1]}\n")
    host = server.host(known_hosts_file=file)
    cure = refusal(host, routes).hint.partition("then: ")[2]

    subprocess.run(["sh", "-c", cure], check=True, capture_output=True)

    connect(host, routes=routes_of(tmp_path), timeout=60).close()


def test_a_revoked_host_key_is_refused(server: Server, routes: Routes, tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    known = f"[{ADDRESS}]:{server.port} {server.public_key()}\n"
    file.write_text(f"{known}@revoked * {server.public_key()}\n")

    problem = refusal(server.host(known_hosts_file=file), routes)

    assert "host key revoked" in problem.what
    assert f"{file}:2" in problem.what


def test_a_hashed_known_host_is_recognised(server: Server, routes: Routes, tmp_path: Path) -> None:
    file = Path(shutil.copy(server.known_hosts, tmp_path / "known_hosts"))
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(file)], check=True, capture_output=True)
    assert file.read_text().startswith("|1|")

    connect(server.host(known_hosts_file=file), routes=routes, timeout=60).close()


@pytest.mark.parametrize("known", ["rsa", "ecdsa", "ed25519"])
def test_a_host_is_asked_for_the_type_of_key_that_is_known(
    start_server: StartServer, routes: Routes, known: str
) -> None:
    server = start_server(kinds=("ed25519", "ecdsa", "rsa"), known=known)

    connect(server.host(), routes=routes, timeout=60).close()


def test_default_known_hosts_lie_in_the_home(server: Server, tmp_path: Path) -> None:
    (tmp_path / ".ssh").mkdir()
    shutil.copy(server.known_hosts, tmp_path / ".ssh" / "known_hosts")

    host = server.host(known_hosts_file=None)

    connect(host, routes=routes_of(tmp_path), timeout=60).close()


# --- our key ---------------------------------------------------------------------------------


def test_a_wrong_user_is_denied_by_name(server: Server, routes: Routes) -> None:
    problem = refusal(server.host(user="nobody-such"), routes)

    assert "permission denied for user nobody-such" in problem.what
    assert f"tried: {server.identity}" in problem.what
    assert "fleetbpf_user" in problem.hint


def test_a_key_that_may_not_enter_is_named(server: Server, routes: Routes, tmp_path: Path) -> None:
    stranger = make_key(tmp_path / "stranger")

    problem = refusal(server.host(identity_file=stranger), routes)

    assert f"tried: {stranger}" in problem.what


def test_without_any_key_it_says_so(server: Server, tmp_path: Path) -> None:
    problem = refusal(server.host(identity_file=None), routes_of(tmp_path))

    assert "no key to try" in problem.what
    assert "fleetbpf_identity_file" in problem.hint


def test_a_missing_identity_file_is_named(server: Server, routes: Routes) -> None:
    problem = refusal(server.host(identity_file=Path("/nowhere/key")), routes)

    assert "identity file /nowhere/key: cannot read the key: No such file" in problem.what


def test_a_public_key_is_no_identity(server: Server, routes: Routes) -> None:
    public = server.folder / "identity.pub"

    problem = refusal(server.host(identity_file=public), routes)

    what = f"identity file {public}: it is a public key, and no agent holds the private one"
    assert what in problem.what


def test_an_encrypted_key_is_refused_with_a_hint_to_an_agent(
    server: Server, routes: Routes, tmp_path: Path
) -> None:
    locked = make_key(tmp_path / "locked", passphrase="secret")

    problem = refusal(server.host(identity_file=locked), routes)

    assert "the key is encrypted, and no agent holds it" in problem.what
    assert f"ssh-add {locked}" in problem.hint


@pytest.mark.parametrize(
    ("kind", "form"),
    [
        ("ed25519", ""),
        ("rsa", ""),
        ("rsa", "PEM"),
        ("rsa", "PKCS8"),
        ("ecdsa", ""),
        ("ecdsa", "PEM"),
    ],
)
def test_every_usual_kind_of_key_logs_in(
    server: Server, routes: Routes, tmp_path: Path, kind: str, form: str
) -> None:
    key = make_key(tmp_path / "key", kind=kind, form=form)
    with (server.folder / "authorized_keys").open("a") as authorized:
        authorized.write(key.with_suffix(".pub").read_text())

    connect(server.host(identity_file=key), routes=routes, timeout=60).close()


def test_a_default_key_of_the_home_is_tried(server: Server, tmp_path: Path) -> None:
    (tmp_path / ".ssh").mkdir()
    make_key(tmp_path / ".ssh" / "id_ecdsa", kind="ecdsa", passphrase="secret")
    make_key(tmp_path / ".ssh" / "id_ed25519")
    routes = routes_of(tmp_path)

    problem = refusal(server.host(identity_file=None), routes)

    assert f"tried: {tmp_path}/.ssh/id_ed25519" in problem.what
    assert f"skipped: {tmp_path}/.ssh/id_ecdsa (the key is encrypted" in problem.what

    shutil.copy(server.identity, tmp_path / ".ssh" / "id_rsa")
    routes = routes_of(tmp_path)
    connect(server.host(identity_file=None), routes=routes, timeout=60).close()


def test_the_keys_of_an_agent_are_tried(server: Server, agent: Path, tmp_path: Path) -> None:
    add(agent, make_key(tmp_path / "first", kind="rsa"))
    add(agent, make_key(tmp_path / "second"))
    host = server.host(identity_file=None)

    problem = refusal(host, routes_of(tmp_path, agent=agent))
    assert "tried: agent (2 keys)" in problem.what

    add(agent, server.identity)
    connect(host, routes=routes_of(tmp_path, agent=agent), timeout=60).close()


def test_an_encrypted_key_is_used_through_the_agent(
    server: Server, agent: Path, tmp_path: Path
) -> None:
    locked = make_key(tmp_path / "locked", passphrase="secret")
    add(agent, locked, passphrase="secret")
    with (server.folder / "authorized_keys").open("a") as authorized:
        authorized.write(locked.with_suffix(".pub").read_text())

    routes = routes_of(tmp_path, agent=agent)

    connect(server.host(identity_file=locked), routes=routes, timeout=60).close()


def test_an_agent_that_is_gone_is_as_good_as_none(server: Server, tmp_path: Path) -> None:
    routes = routes_of(tmp_path, agent=tmp_path / "gone")

    connect(server.host(), routes=routes, timeout=60).close()


def test_too_many_keys_for_the_host_are_said_so(
    start_server: StartServer, agent: Path, tmp_path: Path
) -> None:
    server = start_server(more="MaxAuthTries 2\n")
    for number in range(4):
        add(agent, make_key(tmp_path / f"key{number}"))

    routes = routes_of(tmp_path, agent=agent)
    problem = refusal(server.host(identity_file=None), routes)

    assert "Too many authentication failures" in problem.what
    assert "agent (2 keys)" in problem.what


def test_a_host_that_takes_no_keys_says_what_it_takes(
    start_server: StartServer, routes: Routes
) -> None:
    server = start_server(
        more="Match all\n  AuthenticationMethods hostbased\n"
        "  HostbasedAuthentication yes\n  PubkeyAuthentication no\n"
    )

    problem = refusal(server.host(), routes)

    assert "it accepts no keys but only: hostbased" in problem.what


def test_old_key_exchanges_still_work(start_server: StartServer, routes: Routes) -> None:
    server = start_server(more="KexAlgorithms diffie-hellman-group14-sha256\nCiphers aes256-ctr\n")

    connect(server.host(), routes=routes, timeout=60).close()


WEAK = (
    "Ciphers aes128-cbc\n",
    "Ciphers 3des-cbc\n",
    "Ciphers aes128-ctr\nMACs hmac-md5,hmac-sha1-96\n",
)


@pytest.mark.parametrize("weak", WEAK)
def test_a_host_with_weak_algorithms_alone_is_refused_and_the_cure_told(
    start_server: StartServer, routes: Routes, weak: str
) -> None:
    problem = refusal(start_server(more=weak).host(), routes)

    assert "no acceptable" in problem.what
    assert "Ciphers +aes128-cbc" in problem.hint


@pytest.mark.parametrize("weak", WEAK)
def test_weak_algorithms_may_be_allowed_for_a_host(
    start_server: StartServer, routes: Routes, weak: str
) -> None:
    host = start_server(more=weak).host()
    lines = (line.partition(" ") for line in weak.splitlines())
    options = tuple(
        SshOption(keyword=keyword.lower(), text="", words=(f"+{names}",), place="ssh_config:1")
        for keyword, _, names in lines
    )

    connect(replace(host, ssh_options=options), routes=routes, timeout=60).close()


def test_a_host_without_a_common_key_exchange_says_so(
    start_server: StartServer, routes: Routes
) -> None:
    server = start_server(more="KexAlgorithms diffie-hellman-group1-sha1\n")

    problem = refusal(server.host(), routes)

    assert "while exchanging keys" in problem.what
    assert "no acceptable kex algorithm" in problem.what


def test_a_forbidden_session_is_said_so(start_server: StartServer, routes: Routes) -> None:
    server = start_server(more="MaxSessions 0\n")

    with (
        connect(server.host(), routes=routes, timeout=60) as connection,
        pytest.raises(UnreachableError, match="no session opened"),
    ):
        connection.run(Command("true"))
