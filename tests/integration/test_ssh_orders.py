"""A shell that stays for an order, over a real sshd: nothing begins anew, and nothing is lost."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fleetbpf.connections.becoming import BecomingConnection
from fleetbpf.connections.routes import Routes
from fleetbpf.errors import UnreachableError
from fleetbpf.execution.command import Command
from fleetbpf.model.become import BecomeMethod
from tests.integration.conftest import StartServer
from tests.integration.people import PASSWORD, ROOT_PASSWORD
from tests.integration.sshd import Server
from tests.integration.test_become import DOAS, SU, SUDO
from tests.integration.test_become import connection as as_somebody
from tests.waiting import wait_until

pytestmark = pytest.mark.ssh

PAYLOAD = bytes(range(256)) * 4000 + b"\nend\n"
STAYING = """
echo "first in $$"
echo note >&2
echo end
IFS= read -r words || { echo gone >&2 && exit 3; }
eval "set -- $words"
printf 'ordered in %s: %s|' $$ "$@"
cat
exit 5
"""
ANEW = "printf 'anew: %s|' \"$@\"; cat"
WORDS = ("it's", "$(id) `id` \\n", "")


@pytest.fixture
def connection(server: Server, routes: Routes) -> Iterator[BecomingConnection]:
    """A connection to the server, as commands use it."""
    with routes.open(server.host(), timeout=60) as opened:
        yield opened


def waits(connection: BecomingConnection) -> bool:
    return connection._plain.waits


def staying(script: str = STAYING, *, become: bool = False) -> Command:
    return Command("sh", "-c", script, become=become, stays=True)


def ordered(*, become: bool = False) -> Command:
    order = "'it'\"'\"'s' '$(id) `id` \\n' ''"
    return Command("sh", "-c", ANEW, "sh", *WORDS, become=become, order=order)


def test_an_order_is_carried_out_by_the_shell_that_stays(connection: BecomingConnection) -> None:
    first = connection.run(staying(), timeout=60)
    pid = first.stdout.split()[2]
    assert (first.status, first.stdout) == (0, b"first in %s\nend\n" % pid)
    assert first.stderr == b"note\n"
    assert waits(connection)

    done = connection.run(ordered(), stdin=PAYLOAD, timeout=60)

    assert not waits(connection)
    assert done.stdout.startswith(b"ordered in %s: it's|" % pid)
    assert b"$(id) `id` \\n" in done.stdout
    assert done.stdout.endswith(PAYLOAD)
    assert done.status == 5


def test_another_command_ends_the_shell_that_stays_first(
    start_server: StartServer, routes: Routes
) -> None:
    server = start_server(first="MaxSessions 1")
    with routes.open(server.host(), timeout=60) as connection:
        for _ in range(3):
            assert connection.run(staying(), timeout=60).status == 0
            assert connection.run(Command("echo", "hello"), timeout=60).stdout == b"hello\n"


def test_a_shell_that_did_not_stay_is_not_given_the_order(connection: BecomingConnection) -> None:
    for script in ("echo end", "echo nothing", "echo end; echo more", "printf end"):
        connection.run(staying(script), timeout=60)
        done = connection.run(ordered(), stdin=b"payload", timeout=60)
        assert done.stdout == b"anew: it's|anew: $(id) `id` \\n|anew: |payload"


def test_a_command_that_stays_may_feed_a_sink(connection: BecomingConnection) -> None:
    pieces: list[bytes] = []
    assert connection.run(staying(), stdout=pieces.append, timeout=60).stdout == b""
    assert b"".join(pieces).endswith(b"\nend\n")
    assert waits(connection)


def test_a_connection_that_is_closed_ends_the_shell_that_stays(
    server: Server, routes: Routes
) -> None:
    with routes.open(server.host(), timeout=60) as connection:
        pid = int(connection.run(staying(), timeout=60).stdout.split()[2])
        assert Path(f"/proc/{pid}").exists()
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), what="the shell has gone")
    with pytest.raises(UnreachableError):
        connection.run(ordered(), timeout=60)


@pytest.mark.parametrize(
    ("user", "password", "method", "stays"),
    [
        ("alice", PASSWORD, SUDO, True),
        ("bob", PASSWORD, SUDO, True),
        ("bob", None, SUDO, True),
        ("carol", ROOT_PASSWORD, SU, True),
        ("alice", PASSWORD, DOAS, False),  # on a terminal what is fed must be counted before
        ("bob", None, DOAS, True),
    ],
)
def test_root_carries_out_the_order_whoever_made_him(
    town: Server, user: str, password: str | None, method: BecomeMethod, stays: bool
) -> None:
    whose = STAYING.replace("ordered in %s: %s|' $$", 'ordered by %s: %s|\' "$(id -u)"')
    with as_somebody(town, user, password, method) as opened:
        opened.run(staying(whose, become=True), timeout=60)
        done = opened.run(ordered(become=True), stdin=PAYLOAD, timeout=60)
        alone = opened.run(Command("id", "-u", become=True), timeout=60)
    assert done.stdout.startswith(b"ordered by 0: it's|" if stays else b"anew: it's|")
    assert done.stdout.endswith(PAYLOAD)
    assert alone.stdout == b"0\n"


def test_an_order_for_a_user_does_not_reach_roots_shell(town: Server) -> None:
    with as_somebody(town, "bob", None, SUDO) as opened:
        opened.run(staying(become=True), timeout=60)
        done = opened.run(ordered(), stdin=b"payload", timeout=60)
    assert done.stdout.startswith(b"anew: ")
