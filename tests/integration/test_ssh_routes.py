"""Ways that ssh_config names: other names and files, jump hosts, proxy commands."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fleetbpf.connections.passwords import Passwords
from fleetbpf.connections.routes import Routes
from fleetbpf.connections.transport import QuickSocket
from fleetbpf.errors import InputError, Problem, UnreachableError
from fleetbpf.execution.command import Command
from fleetbpf.model.inventory import Host
from tests.crowd import deaf_port
from tests.integration.conftest import StartServer, connect, routes_of
from tests.integration.sshd import ADDRESS, Server, free_port, make_key
from tests.waiting import pause, wait_until

pytestmark = pytest.mark.ssh
# What stands between two sockets where nothing else is installed.
CAT = (
    "import os,socket,sys,threading as t\n"
    "s=socket.create_connection((sys.argv[1],int(sys.argv[2])))\n"
    "def up():\n"
    " while b:=os.read(0,65536): s.sendall(b)\n"
    " s.shutdown(1)\n"
    "t.Thread(target=up,daemon=True).start()\n"
    "while b:=s.recv(65536): os.write(1,b)\n"
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home of an operator with a key, which no host knows."""
    (tmp_path / "home" / ".ssh").mkdir(parents=True)
    make_key(tmp_path / "home" / ".ssh" / "id_ed25519")
    return tmp_path / "home"


def configure(home: Path, text: str, *, passwords: Passwords | None = None) -> Routes:
    """The ways of an operator with this ssh_config."""
    file = home / ".ssh" / "config"
    file.write_text(text)
    file.chmod(0o600)
    return routes_of(home, passwords=passwords)


def block(name: str, server: Server, *more: str) -> str:
    """A section of ssh_config that says all about a server."""
    return "\n  ".join(
        (
            f"Host {name}",
            f"HostName {ADDRESS}",
            f"Port {server.port}",
            f"IdentityFile {server.identity}",
            f"UserKnownHostsFile {server.known_hosts}",
            *more,
            "",
        )
    )


def failure(routes: Routes, name: str, *, timeout: float = 60) -> Problem:
    with pytest.raises(UnreachableError) as caught:
        routes.open(Host(name=name, address=name), timeout=timeout).close()
    [problem] = caught.value.problems
    assert problem.where == name
    return problem


def said(routes: Routes, name: str, *words: str) -> str:
    with connect(Host(name=name, address=name), routes=routes) as connection:
        return connection.run(Command(*words)).stdout.decode().strip()


def test_a_host_is_reached_as_ssh_config_says(server: Server, home: Path) -> None:
    routes = configure(home, block("web1", server))

    assert said(routes, "web1", "echo", "here") == "here"


def test_another_name_for_the_host_key_counts(server: Server, home: Path) -> None:
    known = home / "known"
    known.write_text(f"fleet {server.public_key()}\n")
    text = f"Host web1\n  HostKeyAlias Fleet\n  UserKnownHostsFile {known}\n"

    assert said(configure(home, text + block("web1", server)), "web1", "echo", "here") == "here"


def test_what_is_wrong_in_ssh_config_is_told_before_any_contact(home: Path) -> None:
    routes = configure(home, "Host a*\n  Port 0\nHost b\n  BindAddress ::1\n")
    hosts = [Host(name=name, address=name) for name in ("a1", "a2", "b")]

    with pytest.raises(InputError) as caught:
        routes.check(hosts)

    first, second = caught.value.problems
    assert first.where == f"{home}/.ssh/config:2"
    assert first.what == "`port`: expected a port from 1 to 65535, found `0` (for a1, a2)"
    assert second.where == f"{home}/.ssh/config:4"


def test_a_config_that_others_may_write_is_refused(home: Path) -> None:
    routes = configure(home, "User me\n")
    (home / ".ssh" / "config").chmod(0o606)

    with pytest.raises(InputError, match="others than you may change this file"):
        routes.check([Host(name="a", address="a")])


def test_a_host_behind_two_jump_hosts_is_reached(start_server: StartServer, home: Path) -> None:
    edge, inner, web = (start_server() for _ in range(3))
    text = block("edge", edge) + block("inner", inner) + block("web1", web, "ProxyJump edge,inner")

    with configure(home, text) as routes:
        assert said(routes, "web1", "echo", "behind") == "behind"

    for server in (edge, inner, web):
        assert server.log().count("Accepted publickey") == 1


def test_the_passphrase_of_a_jump_hosts_key_is_asked_for_before_any_contact(
    start_server: StartServer, server: Server, home: Path
) -> None:
    locked = make_key(home / "locked", passphrase="secret")
    edge = start_server()
    shutil.copy(locked.with_suffix(".pub"), edge.folder / "authorized_keys")
    first = block("edge", edge).replace(str(edge.identity), str(locked))
    asked: list[str] = []

    def answer(question: str) -> str:
        asked.append(question)
        return "secret"

    text = first + block("web1", server, "ProxyJump edge")
    with configure(home, text, passwords=Passwords(ask=answer)) as routes:
        routes.check([Host(name="web1", address="web1")])
        assert said(routes, "web1", "echo", "behind") == "behind"

    assert asked == [f"passphrase of the key {locked}: "]


def test_hosts_behind_a_jump_host_share_one_connection_to_it(
    start_server: StartServer, server: Server, home: Path
) -> None:
    edge = start_server(more="MaxSessions 0\n")  # forwards count as none
    names = [f"web{number}" for number in range(12)]
    text = block("edge", edge) + block("web*", server, "ProxyJump edge")
    answers: list[str] = []
    before = threading.active_count()

    def talk(name: str) -> None:
        # Again and again: a way that ends must not take the connection from the other ones.
        answers.extend(said(routes, name, "echo", name) for _ in range(5))

    with configure(home, text) as routes:
        threads = [threading.Thread(target=talk, args=[name]) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(300)

    assert sorted(answers) == sorted(names * 5)
    assert edge.log().count("Accepted publickey") == 1
    wait_until(lambda: threading.active_count() <= before, what="nothing stays open")


def test_much_goes_through_a_jump_host_both_ways(
    start_server: StartServer, server: Server, home: Path
) -> None:
    text = block("edge", start_server()) + block("web1", server, "ProxyJump edge")
    sent = bytes(range(256)) * 40_000

    with (
        configure(home, text) as routes,
        connect(Host(name="web1", address="web1"), routes=routes) as connection,
    ):
        assert connection.run(Command("cat"), stdin=sent).stdout == sent


def test_a_dead_jump_host_is_named(server: Server, home: Path) -> None:
    port = free_port()
    text = f"Host edge\n  HostName {ADDRESS}\n  Port {port}\n" + block(
        "web*", server, "ProxyJump edge"
    )
    routes = configure(home, text)

    problem = failure(routes, "web1")

    assert problem.what == f"jump host edge: {ADDRESS}:{port}: connection refused"
    assert "Port of edge in ssh_config" in problem.hint
    assert failure(routes, "web2").what == problem.what


def test_a_jump_host_in_the_middle_is_named(
    start_server: StartServer, server: Server, home: Path
) -> None:
    edge, port = start_server(), free_port()
    dead = f"Host inner\n  HostName {ADDRESS}\n  Port {port}\n"
    text = block("edge", edge) + dead + block("web1", server, "ProxyJump edge,inner")

    with configure(home, text) as routes:
        problem = failure(routes, "web1")

    assert problem.what.startswith(f"jump host inner: {ADDRESS}:{port} through edge: its jump host")
    assert "Connect failed" in problem.what or "Connection refused" in problem.what


def test_the_key_of_a_jump_host_is_checked(
    start_server: StartServer, server: Server, home: Path
) -> None:
    edge = start_server()
    edge.known_hosts.write_text("")
    text = block("edge", edge) + block("web1", server, "ProxyJump edge")

    problem = failure(configure(home, text), "web1")

    assert problem.what.startswith(f"jump host edge: {ADDRESS}:{edge.port}: unknown host key")


def test_the_key_of_a_host_behind_a_jump_host_is_checked(
    start_server: StartServer, server: Server, home: Path
) -> None:
    text = block("edge", start_server()) + block("web1", server, "ProxyJump edge")
    text = f"Host web1\n  UserKnownHostsFile {home}/none\n{text}"

    with configure(home, text) as routes:
        problem = failure(routes, "web1")

    assert problem.what.startswith(f"{ADDRESS}:{server.port} through edge: unknown host key")
    cure = problem.hint.partition("then: ")[2]
    subprocess.run(["sh", "-c", cure], check=True)
    with routes_of(home) as again:
        assert said(again, "web1", "echo", "cured") == "cured"


def test_a_jump_host_that_forbids_forwarding_says_so(
    start_server: StartServer, server: Server, home: Path
) -> None:
    edge = start_server(more="AllowTcpForwarding no\n")
    text = block("edge", edge) + block("web1", server, "ProxyJump edge")

    with configure(home, text) as routes:
        problem = failure(routes, "web1")

    assert "through edge: its jump host does not connect to it" in problem.what
    assert "AllowTcpForwarding" in problem.hint


def test_jump_hosts_in_a_circle_are_told_before_any_contact(home: Path) -> None:
    routes = configure(home, "Host *\n  User me\n  ProxyJump edge\n")

    with pytest.raises(InputError, match="circle: me@web1:22 → me@edge:22 → me@edge:22"):
        routes.check([Host(name="web1", address="web1")])


def test_an_inventory_may_name_the_jump_host(
    start_server: StartServer, server: Server, home: Path
) -> None:
    edge = start_server()
    file = home / "ssh_config"
    file.write_text(block("edge", edge) + block("web1", server, "ProxyJump edge"))

    with routes_of(home) as routes:
        host = Host(name="web1", address="web1", ssh_config_file=file)
        with connect(host, routes=routes) as connection:
            assert connection.run(Command("true")).status == 0


def test_a_host_is_reached_through_a_command(server: Server, home: Path) -> None:
    (home / "cat.py").write_text(CAT)
    command = f"ProxyCommand {sys.executable} {home}/cat.py %h %p"
    routes = configure(home, block("web1", server, command))

    assert said(routes, "web1", "echo", "by command") == "by command"


def test_a_proxy_command_ends_with_its_connection(server: Server, home: Path) -> None:
    (home / "cat.py").write_text(CAT)
    (home / "noted").write_text('echo $$ >"$1"; shift; exec "$@"\n')
    command = f"ProxyCommand sh {home}/noted {home}/pid {sys.executable} {home}/cat.py %h %p"
    routes = configure(home, block("web1", server, command))

    assert said(routes, "web1", "true") == ""

    pid = (home / "pid").read_text().strip()
    assert not Path(f"/proc/{pid}").exists()


def test_what_a_failed_proxy_command_said_is_told(server: Server, home: Path) -> None:
    routes = configure(home, block("web1", server, "ProxyCommand sh -c 'echo no way >&2; exit 1'"))

    problem = failure(routes, "web1")

    assert "its proxy command `sh -c 'echo no way >&2; exit 1'` said: no way" in problem.what
    assert "by hand" in problem.hint


def test_a_proxy_command_that_says_nothing_times_out(server: Server, home: Path) -> None:
    routes = configure(home, block("web1", server, "ProxyCommand sleep 300"))

    problem = failure(routes, "web1", timeout=0.5)

    assert "while waiting for its SSH banner" in problem.what


def test_a_dead_host_behind_a_proxy_command_is_told_when_its_time_to_connect_is_over(
    server: Server, home: Path
) -> None:
    rest = block("web1", server, "ProxyCommand sleep 300", "ConnectTimeout 1")

    problem = failure(configure(home, rest), "web1", timeout=60)

    assert "timed out after 1 s while waiting for its SSH banner" in problem.what


def test_a_dead_host_behind_a_jump_host_is_told_when_its_time_to_connect_is_over(
    server: Server, home: Path
) -> None:
    with deaf_port() as port:
        dead = f"Host dead\n  HostName {ADDRESS}\n  Port {port}\n  ConnectTimeout 1\n"
        routes = configure(home, f"{dead}  ProxyJump edge\n{block('edge', server)}")

        problem = failure(routes, "dead", timeout=60)

    assert "timed out after 1 s while waiting for its jump host to connect" in problem.what


@pytest.mark.parametrize(("option", "works"), [("yes", True), ("no", False)])
def test_a_section_may_depend_on_a_command(
    server: Server, home: Path, option: str, works: bool
) -> None:
    status = 0 if option == "yes" else 1
    text = f'Match exec "exit {status}"\n  HostName {ADDRESS}\n'
    rest = block("web1", server).replace(f"HostName {ADDRESS}", "ConnectTimeout 5")
    settings = configure(home, text + rest).settings(Host(name="web1", address="web1"))

    assert (settings.address == ADDRESS) is works


def test_a_dead_link_is_noticed_as_ssh_config_says(server: Server, home: Path) -> None:
    more = ("ServerAliveInterval 7", "ServerAliveCountMax 2")
    routes = configure(home, block("web1", server, *more))

    with connect(Host(name="web1", address="web1"), routes=routes) as connection:
        wire = connection._transport._socket
        assert isinstance(wire, QuickSocket)
        assert wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 7
        assert wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 14_000


@pytest.fixture(params=["jump", "command"])
def around(
    request: pytest.FixtureRequest, start_server: StartServer, server: Server, home: Path
) -> Routes:
    """The ways to a host whose kernel is not the one that the connection leads to."""
    alive = ("ServerAliveInterval 1", "ServerAliveCountMax 8")
    if request.param == "jump":
        edge = block("edge", start_server())
        return configure(home, edge + block("web1", server, "ProxyJump edge", *alive))
    (home / "cat.py").write_text(CAT)
    command = f"ProxyCommand {sys.executable} {home}/cat.py %h %p"
    return configure(home, block("web1", server, command, *alive))


def test_a_silent_host_behind_another_one_is_asked_and_answers(around: Routes) -> None:
    with around:
        assert said(around, "web1", "sh", "-c", "sleep 12; echo here") == "here"


@pytest.mark.parametrize("sent", [0, 20_000_000])  # more than all windows on the way have room for
def test_a_dead_host_behind_another_one_is_noticed(around: Routes, sent: int) -> None:
    with around, connect(Host(name="web1", address="web1"), routes=around) as connection:
        # Without exec, the parent may be the login shell.
        serving = int(connection.run(Command("exec", "sh", "-c", "echo $PPID")).stdout)
        pause(serving)
        try:
            with pytest.raises(UnreachableError, match="no sign of life from the host: link lost"):
                connection.run(Command("cat"), stdin=bytes(sent), timeout=300)
        finally:
            os.kill(serving, signal.SIGKILL)


def test_files_named_by_ssh_are_the_ones_that_are_tried(home: Path) -> None:
    """`ssh -v` shows the files with their tokens expanded."""
    file = home / "config"
    file.write_text(
        "Host web1\n  HostName 127.0.0.9\n  Port 2022\n  User ops\n  ProxyCommand false\n"
        "  IdentityFile /keys/%h-%p-%r-%u-%n-%%-%L-%i-%k\n  IdentityFile /hashed/%C\n"
    )
    shown = subprocess.run(
        ["ssh", "-v", "-F", str(file), "web1"], capture_output=True, text=True, check=False
    ).stderr
    files = [line.split()[3] for line in shown.splitlines() if "identity file" in line]

    host = Host(name="web1", address="web1", ssh_config_file=file)
    settings = Routes(routes_of(home)._operator).settings(host)

    found = [str(path) for path in settings.identity_files]
    assert found == [name for name in files if not name.endswith("-cert")]


def test_a_jump_host_has_its_own_key(start_server: StartServer, server: Server, home: Path) -> None:
    edge = start_server()
    make_key(home / ".ssh" / "id_ed25519")
    shutil.copy(home / ".ssh" / "id_ed25519.pub", edge.folder / "authorized_keys")
    text = block("edge", edge).replace(f"IdentityFile {edge.identity}", "ConnectTimeout 9")

    with configure(home, text + block("web1", server, "ProxyJump edge")) as routes:
        assert said(routes, "web1", "echo", "in") == "in"
