"""Which ways to log in ssh_config leaves, and in which order: as ssh takes them."""

from pathlib import Path

import pytest

from fleetbpf.connections.passwords import Passwords
from fleetbpf.connections.routes import Routes
from fleetbpf.errors import InputError, UnreachableError
from fleetbpf.execution.command import Command
from fleetbpf.secret import Given, SecretKind
from tests.integration import people
from tests.integration.agents import add
from tests.integration.conftest import StartServer, connect, routes_of
from tests.integration.people import PASSWORD
from tests.integration.sshd import Server, make_key, stop
from tests.integration.test_ssh_identities import option
from tests.waiting import wait_until

pytestmark = pytest.mark.ssh


def full(agent: Path, folder: Path) -> Path:
    """An agent with more keys than a host has patience for."""
    for number in range(7):
        add(agent, make_key(folder / f"key{number}"))
    return agent


def routes_with(folder: Path, agent: Path | None = None, password: str = PASSWORD) -> Routes:
    given = Passwords({SecretKind.LOGIN: Given(password)})
    return routes_of(folder, agent=agent, passwords=given)


@pytest.mark.parametrize(
    "said",
    [
        [("preferredauthentications", "password")],
        [("preferredauthentications", "keyboard-interactive,password")],
        [("preferredauthentications", "gssapi-with-mic,hostbased,password,publickey")],
        [("pubkeyauthentication", "no")],
        [("pubkeyauthentication", "no"), ("passwordauthentication", "no")],
        [("pubkeyauthentication", "no"), ("kbdinteractiveauthentication", "no")],
    ],
    ids=lambda said: ", ".join(map(" ".join, said)),
)
def test_keys_are_not_shown_where_ssh_would_show_none(
    town: Server, agent: Path, tmp_path: Path, said: list[tuple[str, str]]
) -> None:
    options = tuple(option(*words) for words in said)
    host = town.host(user="alice", identity_file=None, ssh_options=options)
    with connect(host, routes=routes_with(tmp_path, full(agent, tmp_path))) as connection:
        assert connection.run(Command("id", "-un")).stdout == b"alice\n"


@pytest.mark.parametrize(
    ("way", "logged"),
    [("password", "Accepted password"), ("keyboard-interactive", "Accepted keyboard-interactive")],
)
def test_the_preferred_way_comes_first(tmp_path: Path, town: Server, way: str, logged: str) -> None:
    folder = tmp_path / "town"
    folder.mkdir()
    mine = people.start(folder)
    try:
        options = (option("preferredauthentications", f"{way},password,keyboard-interactive"),)
        host = mine.host(user="alice", identity_file=None, ssh_options=options)
        connect(host, routes=routes_with(tmp_path)).close()
        # sshd answers first and writes then.
        wait_until(lambda: "Accepted" in mine.log(), what="sshd says how")
        assert logged in mine.log()
    finally:
        stop(mine)


def test_a_host_that_offers_to_ask_and_does_not_is_said_the_password(tmp_path: Path) -> None:
    folder = tmp_path / "town"
    folder.mkdir()
    mine = people.start(folder, login=people.LOGIN.replace("UsePAM yes", "UsePAM no"))
    try:
        options = (option("preferredauthentications", "keyboard-interactive,password"),)
        host = mine.host(user="alice", identity_file=None, ssh_options=options)
        connect(host, routes=routes_with(tmp_path)).close()
    finally:
        stop(mine)


@pytest.mark.parametrize(
    "said",
    [
        [("preferredauthentications", "publickey")],
        [("passwordauthentication", "no"), ("kbdinteractiveauthentication", "no")],
        [("passwordauthentication", "no"), ("kbdinteractiveauthentication", "no")] * 2,
    ],
)
def test_a_password_is_not_said_where_ssh_would_say_none(
    town: Server, tmp_path: Path, said: list[tuple[str, str]]
) -> None:
    options = tuple(option(*words) for words in said)
    stranger = make_key(tmp_path / "stranger")
    host = town.host(user="alice", identity_file=stranger, ssh_options=options)
    with pytest.raises(UnreachableError) as caught:
        connect(host, routes=routes_with(tmp_path)).close()
    assert caught.value.problems[0].what.partition("tried: ")[2].startswith(f"{stranger}")
    assert not caught.value.problems[0].what.endswith((", password", ", keyboard-interactive"))


def test_who_may_show_and_say_nothing_is_told_why(server: Server, tmp_path: Path) -> None:
    host = server.host(ssh_options=(option("pubkeyauthentication", "no"),))
    with pytest.raises(UnreachableError) as caught:
        connect(host, routes=routes_of(tmp_path)).close()
    assert "ssh_config allows only: password, keyboard-interactive" in caught.value.problems[0].what


def test_a_key_that_is_not_shown_need_not_be_usable(town: Server, tmp_path: Path) -> None:
    options = (option("pubkeyauthentication", "no"),)
    host = town.host(user="alice", identity_file=tmp_path / "none", ssh_options=options)
    routes = routes_with(tmp_path)
    routes.check([host])
    connect(host, routes=routes).close()


def test_a_word_that_is_none_is_told(start_server: StartServer, routes: Routes) -> None:
    host = start_server().host(ssh_options=(option("pubkeyauthentication", "perhaps"),))
    with pytest.raises(InputError, match="expected yes or no"):
        routes.check([host])
