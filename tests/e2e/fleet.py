"""A lab fleet as a test's operator has it: a folder, an inventory, and the fleetbpf command."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from fleetbpf.connections.routes import Routes
from fleetbpf.connections.settings import Operator
from fleetbpf.errors import UnreachableError
from fleetbpf.execution.command import Command
from fleetbpf.inventory import inventory
from fleetbpf.lab.folder import LabFolder
from tests.e2e.guard import Guard
from tests.waiting import wait_until

FLEETBPF = (sys.executable, "-m", "fleetbpf")
BOOT_ID = "cat /proc/sys/kernel/random/boot_id"


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """The hosts of a lab, and the folder that its operator works in."""

    folder: Path
    hosts: tuple[str, ...]
    guard: Guard  # takes down the lab of the folder

    def __post_init__(self) -> None:
        self.guard.watch(self.folder)

    @property
    def inventory(self) -> Path:
        return self.folder / "inventories" / "lab.yml"

    def fleetbpf(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the real command in the operator's folder."""
        return subprocess.run(
            [*FLEETBPF, *words],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=3600,
            pass_fds=self._guarded(words),
        )

    def _guarded(self, words: Sequence[str]) -> tuple[int, ...]:
        """What a command of the lab keeps, so that the guard waits until it is done."""
        return (self.guard.fileno(),) if words[0] == "lab" else ()

    @contextmanager
    def following(self, *words: str) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
        """The command in the background, and the file that all it says goes to."""
        said = self.folder / f"said-{time.monotonic_ns()}.txt"
        with said.open("wb") as file:
            process = subprocess.Popen(
                [*FLEETBPF, *words],
                cwd=self.folder,
                stdout=file,
                stderr=subprocess.STDOUT,
                pass_fds=self._guarded(words),
            )
        try:
            yield process, said
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()

    def root(self, host: str, text: str, stdin: bytes = b"") -> str:
        """What a shell line, run as root on a host, writes to its standard output."""
        found = inventory.read(self.inventory).hosts[host]
        command = Command("sh", "-c", text, become=found.become is True)
        with Routes(Operator.here()).open(found, timeout=120.0) as connection:
            completed = connection.run(command, stdin=stdin, timeout=300.0)
        return completed.stdout.decode()

    def put(self, host: str, program: Path) -> None:
        """Copy a static program to a host's /opt."""
        there = f"/opt/{program.name}"
        text = f"mkdir -p /opt && cat >{there} && chmod 755 {there}"
        self.root(host, text, stdin=program.read_bytes())

    def reboot(self, host: str) -> None:
        """Reboot a host and wait until it answers again."""
        before = self.root(host, BOOT_ID)
        self.root(host, "(sleep 1; reboot) >/dev/null 2>&1 &")

        def is_back() -> bool:
            try:
                return self.root(host, BOOT_ID) not in {"", before}
            except UnreachableError:
                return False

        wait_until(is_back, seconds=900, what=f"{host} answers after its reboot")

    def power_off(self, host: str) -> None:
        """Cut a host's power: its virtual machine ends at once."""
        os.kill(int(LabFolder.at(self.folder).pid_file(host).read_text()), signal.SIGKILL)

    def power_on(self) -> None:
        """Boot the hosts that are down."""
        said = self.fleetbpf("lab", "up")
        assert said.returncode == 0, said.stderr


@contextmanager
def counted(fleet: Fleet, hosts: Sequence[str]) -> Iterator[tuple[Path, dict[str, int]]]:
    """An inventory whose hosts are reached through counters, and the connections to each so far."""
    text = fleet.inventory.read_text()
    known = (fleet.folder / ".fleetbpf" / "lab" / "known_hosts").read_text()
    counts = dict.fromkeys(hosts, 0)
    listeners: list[socket.socket] = []
    for host in hosts:
        port = inventory.read(fleet.inventory).hosts[host].port
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        threading.Thread(target=relay, args=(listener, port, counts, host), daemon=True).start()
        new = str(listener.getsockname()[1])
        text = text.replace(f"fleetbpf_port: {port}", f"fleetbpf_port: {new}")
        known = known.replace(f"]:{port}", f"]:{new}")
    keys = fleet.folder / ".fleetbpf" / "lab" / "known_hosts.counted"
    keys.write_text(known)
    file = fleet.folder / "inventories" / "counted.yml"
    file.write_text(text.replace("/known_hosts", "/known_hosts.counted"))
    try:
        yield file, counts
    finally:
        for listener in listeners:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()


def relay(listener: socket.socket, port: int, counts: dict[str, int], host: str) -> None:
    """Pass each connection on to `port`, and count it."""
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        counts[host] += 1
        threading.Thread(target=join, args=(client, port), daemon=True).start()


def join(client: socket.socket, port: int) -> None:
    """Copy both ways until both are done."""
    with client, socket.create_connection(("127.0.0.1", port)) as server:
        back = threading.Thread(target=pump, args=(server, client), daemon=True)
        back.start()
        pump(client, server)
        back.join()


def pump(source: socket.socket, sink: socket.socket) -> None:
    """Copy until the end, then end the other side too."""
    with suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)
