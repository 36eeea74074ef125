"""What the integration tests share: SSH servers on the loopback and connections to them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fleetbpf.connections.passwords import Passwords
from fleetbpf.connections.routes import Routes
from fleetbpf.connections.settings import Operator
from fleetbpf.connections.ssh import SSHConnection
from fleetbpf.execution import Completed
from fleetbpf.execution.command import Command
from fleetbpf.execution.local import LocalConnection
from fleetbpf.model.inventory import Host
from fleetbpf.model.layout import HostLayout
from tests.integration import people, sshd
from tests.integration.agents import started
from tests.tools import need, need_root

StartServer = Callable[..., sshd.Server]
SHELLS = {"dash": ("dash",), "ash": ("busybox", "ash"), "bash": ("bash", "--posix")}
Run = Callable[[Command, bytes], Completed]


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
        folder.mkdir(exist_ok=True)
        running.append(sshd.start(folder, **settings))  # type: ignore[arg-type]
        return running[-1]

    yield start
    for one in running:
        sshd.stop(one)


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sshd.Server]:
    """An SSH server with people of several rights, who log in with a key or a password."""
    need("sshd", "ssh-keygen", "unshare", "sudo", "su", "doas")
    need_root()
    running = people.start(tmp_path_factory.mktemp("town"))
    yield running
    sshd.stop(running)


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Path]:
    """An agent without keys; its socket."""
    need("ssh-agent", "ssh-add")
    with started(tmp_path / "agent") as address:
        yield address


@pytest.fixture
def routes(tmp_path: Path) -> Routes:
    """The ways of a user who has neither keys nor an agent."""
    return routes_of(tmp_path)


@pytest.fixture
def connection(server: sshd.Server, routes: Routes) -> Iterator[SSHConnection]:
    """A logged-in connection to the shared server."""
    with connect(server.host(), routes=routes) as open_connection:
        yield open_connection


def routes_of(
    home: Path, *, agent: Path | None = None, passwords: Passwords | None = None
) -> Routes:
    """The ways of a user with this home, on a machine where nothing is configured."""
    environment = {} if agent is None else {"SSH_AUTH_SOCK": str(agent)}
    operator = Operator(home=home, environment=environment, system=home / "etc-ssh")
    return Routes(operator, passwords)


def connect(host: Host, *, routes: Routes, timeout: float = 60) -> SSHConnection:
    """A logged-in connection to `host`."""
    connection = routes.log_in(host, timeout=timeout)
    assert isinstance(connection, SSHConnection)
    return connection


@pytest.fixture(params=sorted(SHELLS))
def run(request: pytest.FixtureRequest) -> Run:
    """Run a command of ours in one of the shells."""
    shell = SHELLS[request.param]
    need(shell[0])

    def run_in_shell(command: Command, stdin: bytes = b"") -> Completed:
        assert command.words[0] == "sh"
        with LocalConnection() as here:
            return here.run(Command(*shell, *command.words[1:]), stdin=stdin, timeout=120)

    return run_in_shell


@pytest.fixture
def layout(tmp_path: Path) -> HostLayout:
    folder = tmp_path.as_posix()
    here = HostLayout()
    return HostLayout(
        root=here.root.__class__(folder, "root"),
        run=here.run.__class__(folder, "run"),
        units=here.units.__class__(folder, "units"),
    )
