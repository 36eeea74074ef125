"""What the integration tests share: SSH servers on the loopback and connections to them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fleetbpf.connections.keyring import Keyring
from fleetbpf.connections.ssh import SSHConnection, connect
from tests.integration import sshd
from tests.tools import need

StartServer = Callable[..., sshd.Server]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sshd.Server]:
    """One SSH server for all tests that only run commands."""
    need("sshd", "ssh-keygen")
    running = sshd.start(tmp_path_factory.mktemp("sshd"))
    yield running
    sshd.stop(running)


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[StartServer]:
    """Starts SSH servers that only one test needs."""
    need("sshd", "ssh-keygen")
    running: list[sshd.Server] = []

    def start(**settings: object) -> sshd.Server:
        folder = tmp_path / f"sshd{len(running)}"
        folder.mkdir()
        running.append(sshd.start(folder, **settings))  # type: ignore[arg-type]
        return running[-1]

    yield start
    for one in running:
        sshd.stop(one)


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    """A keyring of a user who has neither keys nor an agent."""
    return Keyring(home=tmp_path)


@pytest.fixture
def connection(server: sshd.Server, keyring: Keyring) -> Iterator[SSHConnection]:
    """A logged-in connection to the shared server."""
    with connect(server.host(), keyring=keyring, timeout=60) as open_connection:
        yield open_connection
