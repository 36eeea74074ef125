"""A crowd of simulated hosts: real SSH, each host with its own delay, some broken.

usage: python -m tests.crowd FOLDER SIZE [DEAF]      serves until its standard input ends

All hosts are addresses of the loopback. FOLDER gets `inventory.json` and what leads to the hosts.
What their commands answer is made up, so that thousands cost no more than their logins.
"""

import asyncio
import json
import os
import random
import shlex
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tests import envelopes

if TYPE_CHECKING:
    import asyncssh

BACKLOG = 4096
SHORTEST, LONGEST = 0.005, 0.2  # seconds, of one round trip
ROOT = Path(__file__).parent.parent
FACTS = "fleetbpf\tfacts\nuid\t0\nkernel\t6.1.0\narch\tx86_64\nboot_id\t1\nbtf\tyes\nend\n"


class Kind(Enum):
    """What is the matter with a host."""

    WELL = "well"
    REFUSES = "refuses"  # nothing listens there
    DEAF = "deaf"  # no packet is answered
    SILENT = "silent"  # takes the connection and says nothing
    STUCK = "stuck"  # logs in, and the command never ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """A host of the crowd."""

    number: int
    kind: Kind
    round_trip: float  # seconds

    @property
    def name(self) -> str:
        return f"h{self.number:05}"

    @property
    def address(self) -> str:
        return f"127.90.{self.number // 250}.{self.number % 250 + 1}"


def crowd(size: int, *, deaf: int = 0) -> tuple[Simulated, ...]:
    """The same hosts each time: 2 % dead, half of them deaf; 1 % hang, half in a command.

    With `deaf`, so many are, the first ones, and all others are well.
    """
    chance = random.Random(size)
    if deaf:
        return tuple(
            Simulated(
                number=number,
                kind=Kind.DEAF if number < deaf else Kind.WELL,
                round_trip=SHORTEST,
            )
            for number in range(size)
        )
    share = {Kind.REFUSES: 0.01, Kind.DEAF: 0.01, Kind.SILENT: 0.005, Kind.STUCK: 0.005}
    kinds = [kind for kind, part in share.items() for _ in range(max(1, round(size * part)))]
    kinds += [Kind.WELL] * (size - len(kinds))
    chance.shuffle(kinds)
    return tuple(
        Simulated(number=number, kind=kind, round_trip=chance.uniform(SHORTEST, LONGEST))
        for number, kind in enumerate(kinds)
    )


class Crowd:
    """The servers of all hosts, behind one port."""

    def __init__(self, hosts: tuple[Simulated, ...], folder: Path) -> None:
        self._by_address = {host.address: host for host in hosts}
        self._well = options(folder, answer)
        self._stuck = options(folder, never_answer)
        self._kept: set[object] = set()  # or the collector ends them while they wait

    async def serve(self, listener: socket.socket) -> None:
        """Serve who comes until standard input ends: who asked for the hosts has gone."""
        await asyncio.start_server(self.accept, sock=listener, backlog=BACKLOG)
        await asyncio.to_thread(sys.stdin.read)
        os._exit(0)  # with all connections as they are

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Put a connection through to a server of its own, all that it says after a delay."""
        self._kept.add(asyncio.current_task())
        host = self._by_address[writer.get_extra_info("sockname")[0]]
        await asyncio.sleep(host.round_trip)
        if host.kind is Kind.SILENT:
            await reader.read()
            return
        outside, inside = socket.socketpair()
        answers, questions = await asyncio.open_connection(sock=outside)
        how = self._stuck if host.kind is Kind.STUCK else self._well
        import asyncssh

        await asyncio.gather(
            asyncssh.run_server(inside, options=how),
            pass_on(answers, writer, delay=0),
            pass_on(reader, questions, delay=host.round_trip),
            return_exceptions=True,
        )


async def pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, delay: float
) -> None:
    """Write what is read, and its end, each `delay` seconds later."""
    loop = asyncio.get_running_loop()
    piece = b"-"
    while piece:
        try:
            piece = await reader.read(65536)
        except ConnectionError:
            piece = b""
        loop.call_later(delay, partial(writer.write, piece) if piece else writer.close)


async def answer(process: "asyncssh.SSHServerProcess[bytes]") -> None:
    """Say what a host says that is asked for its facts, or gets its first release."""
    await envelopes.arrive(process)
    process.stdout.write(FACTS.encode())
    order = await process.stdin.readline()
    if order:
        await process.stdin.read()
        words = shlex.split(order.decode())
        _, program, _, release, *_ = words[words.index("start") :]
        process.stdout.write(f"fleetbpf\tactivate\nstarted\t{program}\t{release}\t{{}}\n".encode())
    process.exit(0)


async def never_answer(_: "asyncssh.SSHServerProcess[bytes]") -> None:
    """Run for ever, as far as anybody waits: of what has no end asyncio keeps no reference."""
    await asyncio.sleep(24 * 3600)


def make_keys(folder: Path) -> None:
    """The key of all hosts, and that of who may log in."""
    import asyncssh

    for name in ("host", "identity"):
        key = asyncssh.generate_private_key("ssh-ed25519")
        key.write_private_key(folder / name)
        key.write_public_key(folder / f"{name}.pub")
        (folder / name).chmod(0o600)


def options(
    folder: Path, process: "Callable[[asyncssh.SSHServerProcess[bytes]], Awaitable[None]]"
) -> "asyncssh.SSHServerConnectionOptions":
    """What a server is like."""
    import asyncssh

    return asyncssh.SSHServerConnectionOptions(
        server_host_keys=[str(folder / "host")],
        authorized_client_keys=str(folder / "identity.pub"),
        process_factory=process,
        encoding=None,
        kex_algs=["curve25519-sha256@libssh.org"],
        encryption_algs=["aes128-gcm@openssh.com"],
        login_timeout=600,
    )


@contextmanager
def deaf_port() -> Iterator[int]:
    """A port whose queue is full, so that the kernel drops whoever knocks."""
    with closed_port() as closed, socket.socket() as first, socket.socket() as second:
        closed.listen(0)
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", closed.getsockname()[1]))
        yield closed.getsockname()[1]


def closed_port() -> socket.socket:
    """A port that is taken but not listened on: connections are refused."""
    closed = socket.socket()
    closed.bind(("0.0.0.0", 0))  # 127.0.0.0/8 among them
    return closed


def write_files(folder: Path, hosts: tuple[Simulated, ...], ports: dict[Kind, int]) -> None:
    """An inventory, and the hosts' keys."""
    key = " ".join((folder / "host.pub").read_text().split()[:2])
    lines = [f"[{host.address}]:{ports[host.kind]} {key}\n" for host in hosts]
    (folder / "known_hosts").write_text("".join(lines))
    variables = {
        "fleetbpf_user": "root",
        "fleetbpf_identity_file": str(folder / "identity"),
        "fleetbpf_known_hosts_file": str(folder / "known_hosts"),
    }
    each = {
        host.name: {"fleetbpf_host": host.address, "fleetbpf_port": ports[host.kind]}
        for host in hosts
    }
    inventory = {"all": {"vars": variables, "hosts": each}}
    (folder / "inventory.json").write_text(json.dumps(inventory))


@contextmanager
def serving(folder: Path, hosts: tuple[Simulated, ...]) -> Iterator[None]:
    """The hosts in a process of their own; `folder` gets what leads to them."""
    deaf = sum(host.kind is Kind.DEAF for host in hosts)
    alike = crowd(len(hosts), deaf=deaf) == hosts
    command = [sys.executable, "-m", "tests.crowd", str(folder), str(len(hosts))]
    command += [str(deaf)] if alike else []
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        try:
            if running.stdout is None or running.stdout.readline() != "ready\n":
                raise RuntimeError("the simulated hosts did not start")
            yield
        finally:
            running.kill()


def main(folder: Path, size: int, deaf: int = 0) -> None:
    hosts = crowd(size, deaf=deaf)
    make_keys(folder)
    with deaf_port() as deafened, closed_port() as closed, closed_port() as listener:
        listener.listen(BACKLOG)
        ports = dict.fromkeys(Kind, listener.getsockname()[1])
        ports[Kind.DEAF] = deafened
        ports[Kind.REFUSES] = closed.getsockname()[1]
        write_files(folder, hosts, ports)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        # One process alone would be slower than the hosts are meant to be.
        for _ in range(1, os.cpu_count() or 1):
            if not os.fork():
                break
        asyncio.run(Crowd(hosts, folder).serve(listener))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
