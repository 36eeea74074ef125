"""Logging in with a password, as a person who has no key, on a host with PAM."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fleetbpf.connections.passwords import Passwords
from fleetbpf.connections.routes import Routes
from fleetbpf.errors import Problem, UnreachableError
from fleetbpf.execution.command import Command
from fleetbpf.secret import Given, SecretKind
from tests.integration import people, sshd
from tests.integration.conftest import connect, routes_of
from tests.integration.people import PASSWORD
from tests.integration.sshd import Server, make_key

pytestmark = pytest.mark.ssh


def knowing(password: str | None, home: Path) -> Routes:
    """The ways of somebody who knows a password."""
    given = {} if password is None else {SecretKind.LOGIN: Given(password)}
    return routes_of(home, passwords=Passwords(given))


def refusal(server: Server, user: str, routes: Routes, **changes: object) -> Problem:
    host = server.host(**{"user": user, "identity_file": None, **changes})
    with pytest.raises(UnreachableError) as caught:
        connect(host, routes=routes).close()
    return caught.value.problems[0]


def test_a_password_logs_in_where_no_key_does(town: Server, tmp_path: Path) -> None:
    stranger = make_key(tmp_path / "stranger")
    host = town.host(user="alice", identity_file=stranger)

    with connect(host, routes=knowing(PASSWORD, tmp_path)) as connection:
        assert connection.run(Command("id", "-un")).stdout == b"alice\n"


def test_a_key_that_is_accepted_spares_the_password(town: Server, tmp_path: Path) -> None:
    connect(town.host(user="alice"), routes=knowing("wrong", tmp_path)).close()


def test_a_wrong_password_is_told(town: Server, tmp_path: Path) -> None:
    problem = refusal(town, "alice", knowing("wrong", tmp_path))

    assert problem.what.endswith("permission denied for user alice; tried: password")
    assert "is the password right?" in problem.hint


def test_without_a_password_one_is_asked_for(town: Server, tmp_path: Path) -> None:
    assert "-k" in refusal(town, "alice", knowing(None, tmp_path)).hint


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory, town: Server) -> Iterator[Server]:
    """A host that asks for passwords by keyboard-interactive only, and has the same people."""
    login = people.LOGIN.replace("PasswordAuthentication yes", "PasswordAuthentication no")
    running = people.start(tmp_path_factory.mktemp("asking"), login=login)
    yield running
    sshd.stop(running)


def test_a_password_is_said_where_the_host_asks_for_it(asking: Server, tmp_path: Path) -> None:
    host = asking.host(user="alice", identity_file=None)

    connect(host, routes=knowing(PASSWORD, tmp_path)).close()


def test_what_a_host_asks_beside_the_password_is_told(asking: Server, tmp_path: Path) -> None:
    problem = refusal(asking, "eve", knowing(PASSWORD, tmp_path))

    assert "required to change your password" in problem.what
    assert "log in by hand" in problem.hint
