"""Hosts that turn an address away for its failed logins: told, waited for, and not deserved."""

import contextlib
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleetbpf.connections.routes import Routes
from fleetbpf.errors import RefusedError, TransientError, TurnedAwayError
from fleetbpf.execution.command import Command
from tests.integration.agents import add
from tests.integration.conftest import StartServer, connect, routes_of
from tests.integration.sshd import ADDRESS, Server, executable, make_key
from tests.integration.test_ssh_login import listening
from tests.waiting import wait_until

pytestmark = pytest.mark.ssh
PENALTY = b"Not allowed at this time\r\n"


@contextlib.contextmanager
def forgiving(server: Server, *, refusals: int) -> Iterator[int]:
    """The port of a host that turns away the first who come, and is `server` to the others."""
    left = [PENALTY] * refusals
    configuration = str(server.folder / "sshd_config")

    def serve(connection: socket.socket) -> None:
        if left:
            connection.sendall(left.pop())
            return
        wire = connection.fileno()
        command = [str(executable()), "-i", "-e", "-f", configuration]
        with (server.folder / "log").open("ab") as log:
            subprocess.run(command, stdin=wire, stdout=wire, stderr=log, check=False)

    with listening(serve) as port:
        yield port


def known_as(server: Server, port: int) -> None:
    """Have known_hosts say that the server's key is to be found behind another port as well."""
    with server.known_hosts.open("a") as file:
        file.write(f"[{ADDRESS}]:{port} {server.public_key()}\n")


def visits(server: Server) -> int:
    """How many connections sshd has seen; those of start() send no banner."""
    return server.log().count("Connection from")


def test_a_penalty_is_told_with_what_ends_it(server: Server, routes: Routes) -> None:
    with (
        listening(lambda connection: connection.sendall(PENALTY)) as port,
        pytest.raises(TurnedAwayError) as caught,
    ):
        connect(server.host(port=port), routes=routes, timeout=1)

    (problem,) = caught.value.problems
    assert problem.what == f"{ADDRESS}:{port}: turned away: Not allowed at this time"
    for word in ("15 s", "10 min", "PerSourcePenalties", "PerSourcePenaltyExemptList"):
        assert word in problem.hint


def test_the_words_of_an_sshd_that_is_full_are_known(
    start_server: StartServer, routes: Routes
) -> None:
    """Newer sshds say to the one too many what they say to an address with failed logins."""
    few = "MaxStartups 1\n"  # up to OpenSSH 9.2 the last line about it counts
    server = start_server(first=few, more=few)

    with contextlib.ExitStack() as opened:

        def takes_the_only_place() -> bool:
            taker = socket.create_connection((ADDRESS, server.port))
            return opened.enter_context(taker).recv(4) == b"SSH-"

        wait_until(takes_the_only_place, what="the visit of start() has ended")
        with pytest.raises(TransientError, match="turned away: "):
            connect(server.host(), routes=routes, timeout=0.2)


def test_a_host_that_turned_us_away_is_tried_again_later(server: Server, routes: Routes) -> None:
    with forgiving(server, refusals=1) as port:
        known_as(server, port)

        with connect(server.host(port=port), routes=routes) as connection:
            assert connection.run(Command("echo", "here")).stdout == b"here\n"


# --- what earns no penalty -------------------------------------------------------------------


def test_a_host_is_not_visited_without_anything_to_log_in_with(
    start_server: StartServer, routes: Routes
) -> None:
    server = start_server()
    before = visits(server)

    with pytest.raises(RefusedError, match="no key to try, and no password"):
        connect(server.host(identity_file=None), routes=routes)

    assert visits(server) == before


def test_a_host_is_not_visited_when_the_key_for_it_is_missing(
    start_server: StartServer, routes: Routes
) -> None:
    server = start_server()
    before = visits(server)

    with pytest.raises(RefusedError, match="identity file /nowhere/key: cannot read the key"):
        connect(server.host(identity_file=Path("/nowhere/key")), routes=routes)

    assert visits(server) == before


def test_a_key_is_shown_once_however_many_places_have_it(
    server: Server, agent: Path, tmp_path: Path
) -> None:
    stranger = make_key(tmp_path / "stranger")
    add(agent, stranger)

    host = server.host(identity_file=stranger)

    with pytest.raises(RefusedError) as caught:
        connect(host, routes=routes_of(tmp_path, agent=agent))

    assert caught.value.problems[0].what.endswith(f"tried: {stranger}")


def test_the_key_that_one_host_took_comes_first_on_the_next(
    start_server: StartServer, agent: Path, tmp_path: Path
) -> None:
    patient, impatient = start_server(), start_server(more="MaxAuthTries 2\n")
    for number in range(3):
        add(agent, make_key(tmp_path / f"key{number}"))
    add(agent, patient.identity)
    (impatient.folder / "authorized_keys").write_text(
        patient.identity.with_suffix(".pub").read_text()
    )
    routes = routes_of(tmp_path, agent=agent)
    hosts = {
        name: server.host(name=name, identity_file=None)
        for name, server in (("web1", patient), ("web2", impatient))
    }

    with pytest.raises(RefusedError, match="Too many authentication failures"):
        connect(hosts["web2"], routes=routes)
    for host in hosts.values():
        connect(host, routes=routes).close()
