"""Encrypted private keys: who is asked for a passphrase, how often, and when not."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from fleetbpf.connections.passwords import Passwords
from fleetbpf.errors import InputError
from fleetbpf.secret import Given, Secret, SecretKind
from tests.integration.conftest import connect, routes_of
from tests.integration.sshd import Server, make_key

pytestmark = pytest.mark.ssh
PASSPHRASE = "correct horse"
GIVEN: Mapping[SecretKind, Secret] = {SecretKind.KEY: Given(PASSPHRASE)}


class Person:
    """Somebody at a terminal who gives these answers, one after the other."""

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, question: str) -> str:
        self.asked.append(question)
        return self._answers.pop(0)


@pytest.fixture(scope="module", params=[("ed25519", ""), ("rsa", "PEM")], ids=lambda p: p[0])
def locked(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, server: Server
) -> Path:
    """A key with a passphrase, in OpenSSH's and in a PEM format, that the server accepts."""
    kind, form = request.param
    path = tmp_path_factory.mktemp("locked") / "key"
    key = make_key(path, kind=kind, form=form, passphrase=PASSPHRASE)
    with (server.folder / "authorized_keys").open("a") as authorized:
        authorized.write(key.with_suffix(".pub").read_text())
    return key


def test_a_person_is_asked_once_for_all_hosts(server: Server, locked: Path, tmp_path: Path) -> None:
    person = Person("wrong", PASSPHRASE)
    routes = routes_of(tmp_path, passwords=Passwords(ask=person))
    hosts = [server.host(name=name, identity_file=locked) for name in ("web1", "web2")]

    routes.check(hosts)
    for host in hosts:
        connect(host, routes=routes).close()

    question = f"passphrase of the key {locked}: "
    assert person.asked == [question, f"wrong; {question}"]


def test_after_three_wrong_answers_nothing_is_contacted(
    server: Server, locked: Path, tmp_path: Path
) -> None:
    person = Person("a", "b", "c", PASSPHRASE)
    routes = routes_of(tmp_path, passwords=Passwords(ask=person))

    with pytest.raises(InputError, match="the passphrase does not open the key"):
        routes.check([server.host(identity_file=locked)])

    assert len(person.asked) == 3


def test_a_passphrase_that_is_given_asks_nobody(
    server: Server, locked: Path, tmp_path: Path
) -> None:
    routes = routes_of(tmp_path, passwords=Passwords(GIVEN, ask=Person()))

    connect(server.host(identity_file=locked), routes=routes).close()


def test_a_wrong_passphrase_that_is_given_is_told(
    server: Server, locked: Path, tmp_path: Path
) -> None:
    wrong = Passwords({SecretKind.KEY: Given("wrong")}, ask=Person())

    with pytest.raises(InputError, match=f"{locked}: the passphrase does not open the key"):
        routes_of(tmp_path, passwords=wrong).check([server.host(identity_file=locked)])


def in_the_home(home: Path, key: Path, name: str) -> None:
    """Make a key one of those that are tried where none is named."""
    (home / ".ssh").mkdir(exist_ok=True)
    (home / ".ssh" / name).touch(mode=0o600)
    (home / ".ssh" / name).write_bytes(key.read_bytes())


def test_a_key_of_the_home_is_asked_for_where_nothing_else_could_log_in(
    server: Server, locked: Path, tmp_path: Path
) -> None:
    in_the_home(tmp_path, locked, "id_rsa")
    person = Person(PASSPHRASE)
    routes = routes_of(tmp_path, passwords=Passwords(ask=person))
    host = server.host(identity_file=None)

    routes.check([host])
    connect(host, routes=routes).close()

    assert len(person.asked) == 1


def test_a_key_of_the_home_is_not_asked_for_where_another_may_log_in(
    server: Server, locked: Path, tmp_path: Path
) -> None:
    in_the_home(tmp_path, locked, "id_rsa")
    in_the_home(tmp_path, server.identity, "id_ed25519")
    person = Person()

    routes_of(tmp_path, passwords=Passwords(ask=person)).check([server.host(identity_file=None)])

    assert person.asked == []


def test_who_answers_nothing_goes_on_without_the_key(
    server: Server, locked: Path, tmp_path: Path
) -> None:
    in_the_home(tmp_path, locked, "id_rsa")
    person = Person("")
    hosts = [server.host(name=name, identity_file=None) for name in ("web1", "web2")]

    routes_of(tmp_path, passwords=Passwords(ask=person)).check(hosts)

    assert len(person.asked) == 1
