"""Ctrl-C ends a command within a second, wherever it stands and whatever a host does meanwhile."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fleetbpf.connections.crew import Slot
from fleetbpf.connections.recording import RecordingConnection
from fleetbpf.execution import Completed, Connection
from fleetbpf.execution.command import Command
from fleetbpf.fleet.fleet import on_each
from fleetbpf.model.inventory import Host
from tests.hostile.lying_host import INVENTORY, Ended, begin, finish, lying
from tests.integration.sshd import ADDRESS, make_key
from tests.tools import need, need_root
from tests.waiting import wait_until

pytestmark = pytest.mark.ssh
A_SECOND = 1.0
SLOW = 2.0  # this machine may be shared with other tests: its own time, beside the second
MOMENTS = (0.1, 0.3, 0.5, 0.7, 1.0, 1.5, 2.5)
# Its preprocessor takes more time and memory than there is.
BOMB = "\n".join(
    [
        "#define A0 x x x x x x x x x x",
        *(f"#define A{n} {' '.join([f'A{n - 1}'] * 10)}" for n in range(1, 12)),
        "A11",
    ]
)


def interrupted(folder: Path, *words: str, after: float) -> Ended:
    """What becomes of a command that is interrupted after so many seconds."""
    process = begin(folder, *words)
    time.sleep(after)
    os.kill(process.pid, signal.SIGINT)  # it is not waited for yet, so the id is still its own
    return finish(process, folder, seconds=30)


def assert_ended(ended: Ended) -> None:
    """It ended in time, as interrupted; what Python says before fleetbpf begins is its own."""
    assert ended.seconds < A_SECOND + SLOW, ended.out
    if "Traceback" in ended.out:
        assert "/fleetbpf/cli/" not in ended.out
    else:
        assert ended.status in {130, -signal.SIGINT}, ended.out


LOST = """
import os, signal, time
from fleetbpf import __main__ as process

class Deaf:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)  # raised here, where Python passes it over

def main():
    Deaf()
    time.sleep(60)
    return 0

process.main = main
raise SystemExit(process.command())
"""


def test_one_that_comes_as_an_object_ends_is_not_lost() -> None:
    words = [sys.executable, "-c", LOST]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stderr) == (130, "")


@pytest.mark.parametrize(
    ("lie", "words"),
    [
        ("silent", ("facts", "evil")),
        ("dripping", ("facts", "evil")),
        ("silent spool", ("logs", "evil")),
        ("silent spool", ("logs", "--follow", "evil")),
    ],
)
def test_a_host_that_keeps_a_command_waiting(
    tmp_path: Path, lie: str, words: tuple[str, ...]
) -> None:
    need("sshd", "ssh-keygen")
    need_root()
    with lying(tmp_path, lie) as folder:
        for moment in MOMENTS:
            assert_ended(interrupted(folder, *words, "-i", "inventory.yml", after=moment))


def test_what_was_collected_before_is_not_printed_first(tmp_path: Path) -> None:
    need("sshd", "ssh-keygen")
    need_root()
    with lying(tmp_path, "silent spool") as folder:
        file = folder / "logs/evil/a/b/c/00000001.log"
        file.parent.mkdir(parents=True)
        file.write_text('{"fleetbpf":1,"segment":1}\n{"time":1,"kind":"trace","text":"TOLD"}\n')
        ended = interrupted(folder, "logs", "evil", "-i", "inventory.yml", after=2.5)
    assert_ended(ended)
    assert "TOLD" not in ended.out


class Clinging(RecordingConnection):
    """A connection that cannot be closed, whose command never ends."""

    def run(self, command: Command, **_: Any) -> Completed:
        time.sleep(30)
        return Completed(status=0)

    def close(self) -> None:
        time.sleep(30)


def test_hosts_that_cannot_be_cut_off_are_left_behind_all_at_once() -> None:
    hosts = [Host(name=f"evil{number}", address="") for number in range(40)]
    hosts.append(Host(name="good", address=""))
    began = 0.0

    def open_connection(host: Host, _: Slot) -> Connection:
        return RecordingConnection() if host.name == "good" else Clinging()

    def work(_: Host, connection: Connection) -> None:
        connection.run(Command("true"))
        time.sleep(0.5)  # until all others are at it

    def interrupt(_: object) -> None:
        nonlocal began
        began = time.monotonic()
        raise KeyboardInterrupt

    outcomes = on_each(hosts, work, open_connection=open_connection, forks=50, done=interrupt)
    assert time.monotonic() - began < A_SECOND + SLOW
    assert {outcome.word for outcome in outcomes[:-1]} == {"interrupted"}


@contextlib.contextmanager
def listening(folder: Path, *, banner: bytes) -> Iterator[None]:
    """A host that takes connections, says its banner at most, and reads nothing."""
    kept: list[socket.socket] = []
    with socket.create_server((ADDRESS, 0)) as listener:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    kept.append(listener.accept()[0])
                    kept[-1].sendall(banner)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        make_key(folder / "identity")
        port = listener.getsockname()[1]
        text = INVENTORY.format(address=ADDRESS, port=port, folder=folder)
        (folder / "inventory.yml").write_text(text)
        (folder / "known_hosts").touch()
        try:
            yield
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(60)
            for connection in kept:
                connection.close()


@pytest.mark.parametrize("banner", [b"", b"SSH-2.0-x\r\n", b"hello\r\n" * 3])
def test_a_host_that_never_gets_on_with_the_login(tmp_path: Path, banner: bytes) -> None:
    with listening(tmp_path, banner=banner):
        for moment in (0.3, 1.0):
            assert_ended(
                interrupted(tmp_path, "facts", "evil", "-i", "inventory.yml", after=moment)
            )


def children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for file in found for child in file.read_text().split()]


def test_a_build_that_would_never_end_ends_with_its_compiler(tmp_path: Path) -> None:
    need("clang", "bpftool")
    (tmp_path / "bomb.bpf.c").write_text(BOMB)
    (tmp_path / "bomb.yml").write_text(
        "name: bomb\nprograms: {bomb: {source: bomb.bpf.c}}\n"
        "plays: [{hosts: all, programs: [bomb]}]\n"
    )
    process = begin(tmp_path, "build", "bomb.yml")
    compilers: list[int] = []
    deadline = time.monotonic() + 60
    while not compilers and time.monotonic() < deadline:
        time.sleep(0.05)
        compilers = [
            pid
            for pid in children(process.pid)
            if b"bomb.bpf.c" in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]
    assert compilers, (tmp_path / "said").read_text()
    os.kill(process.pid, signal.SIGINT)
    assert_ended(finish(process, tmp_path, seconds=30))
    gone = [Path(f"/proc/{pid}") for pid in compilers]
    wait_until(lambda: not any(map(Path.exists, gone)), seconds=20, what="the compiler has ended")


def test_what_ignores_ctrl_c_goes_on(tmp_path: Path) -> None:
    """As a shell has it for what it runs in the background."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = begin(tmp_path, "settings")
    finally:
        signal.signal(signal.SIGINT, before)
    time.sleep(0.1)
    os.kill(process.pid, signal.SIGINT)
    assert finish(process, tmp_path, seconds=60).status == 0
