"""--accept-new-host-keys: what is unknown is noted once, what has changed is refused."""

import fcntl
import os
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fleetbpf.connections.keys import known_hosts, new_host_keys
from fleetbpf.connections.keys.known_hosts import Standing
from fleetbpf.connections.routes import Routes
from fleetbpf.connections.settings import Operator
from fleetbpf.errors import UnreachableError
from fleetbpf.model.inventory import SshOption
from tests.integration.conftest import connect
from tests.integration.sshd import ADDRESS, Server, make_key

pytestmark = pytest.mark.ssh
HASHED = SshOption(keyword="hashknownhosts", text="yes", words=("yes",), place="")


@dataclass(frozen=True)
class Trusting:
    """An operator who lets new keys be noted."""

    home: Path
    told: list[str] = field(default_factory=list)

    def routes(self) -> Routes:
        return Routes(Operator(home=self.home, system=self.home), tell_new_key=self.told.append)


@pytest.fixture
def trusting(tmp_path: Path) -> Trusting:
    return Trusting(home=tmp_path / "home")


def test_a_new_key_is_noted_once_and_told(server: Server, trusting: Trusting) -> None:
    host = server.host(known_hosts_file=None)
    routes = trusting.routes()

    for _ in range(2):
        connect(host, routes=routes).close()
    connect(host, routes=trusting.routes()).close()

    file = trusting.home / ".ssh" / "known_hosts"
    assert file.read_text() == f"[{ADDRESS}]:{server.port} {server.public_key()}\n"
    assert file.stat().st_mode & 0o777 == 0o600
    [told] = trusting.told
    assert told.startswith(f"web1: {file} has its new host key ssh-ed25519 SHA256:")


def test_openssh_knows_a_host_that_was_noted_hashed(
    server: Server, trusting: Trusting, tmp_path: Path
) -> None:
    file = tmp_path / "known"
    host = server.host(known_hosts_file=file, ssh_options=(HASHED,))

    connect(host, routes=trusting.routes()).close()

    assert file.read_text().startswith("|1|")
    name = f"[{ADDRESS}]:{server.port}"
    found = subprocess.run(["ssh-keygen", "-F", name, "-f", str(file)], check=False)
    assert found.returncode == 0


def test_a_changed_key_is_refused_all_the_same(
    server: Server, trusting: Trusting, tmp_path: Path
) -> None:
    other = make_key(tmp_path / "other").with_suffix(".pub").read_text()
    file = tmp_path / "known"
    file.write_text(f"[{ADDRESS}]:{server.port} {other}")

    with pytest.raises(UnreachableError, match="host key changed"):
        connect(server.host(known_hosts_file=file), routes=trusting.routes())

    assert file.read_text() == f"[{ADDRESS}]:{server.port} {other}"


def test_a_key_that_came_meanwhile_counts(
    server: Server, trusting: Trusting, tmp_path: Path
) -> None:
    """Another process notes a different key between our look and our note."""
    file = tmp_path / "known"
    before = known_hosts.read([file])
    other = make_key(tmp_path / "other").with_suffix(".pub").read_text()
    file.write_text(f"web1 {other}")

    verdict, is_new = new_host_keys.note(
        before, ("web1",), kind="ssh-ed25519", key=server.key_bytes(), hashed=False
    )

    assert (verdict.standing, is_new) == (Standing.CHANGED, False)


def test_a_last_line_without_an_end_stays_whole(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "known"
    file.write_text("# ours")

    new_host_keys.note(
        known_hosts.read([file]), ("web1",), kind="k", key=server.key_bytes(), hashed=False
    )

    first, second = file.read_text().splitlines()
    assert first == "# ours"
    assert second.startswith("web1 k ")


def test_threads_and_processes_tear_no_line(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "known"
    script = (
        "import sys, pathlib\n"
        "from fleetbpf.connections.keys import known_hosts, new_host_keys\n"
        "file = pathlib.Path(sys.argv[1])\n"
        "for number in range(40):\n"
        "    new_host_keys.note(known_hosts.read([file]), (f'{sys.argv[2]}-{number}',),\n"
        "                       kind='k', key=b'x' * 3000, hashed=False)\n"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", script, str(file), str(each)]) for each in range(3)
    ]
    threads = [
        threading.Thread(
            target=lambda n=number: new_host_keys.note(
                known_hosts.read([file]), (f"t-{n}",), kind="k", key=b"y" * 3000, hashed=False
            )
        )
        for number in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    for process in processes:
        assert process.wait(120) == 0

    lines = file.read_text().splitlines()
    assert len(lines) == len(set(lines)) == 3 * 40 + 20
    assert {len(line.split()) for line in lines} == {3}
    assert {len(line.split()[2]) for line in lines} == {4000}


def test_a_file_that_cannot_be_written_is_said_so(server: Server, trusting: Trusting) -> None:
    trusting.home.write_text("no folder")
    host = server.host(known_hosts_file=None)

    with pytest.raises(UnreachableError, match="its new host key cannot be noted: "):
        connect(host, routes=trusting.routes())


def test_who_holds_the_lock_is_waited_for(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "known"
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    known = known_hosts.read([file])
    thread = threading.Thread(
        target=lambda: new_host_keys.note(
            known, ("web1",), kind="k", key=server.key_bytes(), hashed=False
        )
    )

    thread.start()
    thread.join(0.2)
    assert file.read_text() == ""

    os.close(descriptor)
    thread.join(60)
    assert file.read_text().startswith("web1 k ")
