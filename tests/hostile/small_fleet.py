"""Simulated hosts behind real SSH: honest ones, and one that lies when it is told to.

usage: python -m tests.hostile.small_fleet FOLDER HONEST     serves until its standard input ends

HONEST is the number of honest hosts. The file `lie` in FOLDER names what the host `liar` says
(liars.py, floods.py); empty, it is honest as well. `hosts.yml` leads to these. `floods.yml` leads
to the honest and to one host for each flood, and to one, `late-…`, that is honest about its facts.
The file `done` in FOLDER gets a letter whenever a connection to an honest host has ended.
"""

import asyncio
import logging
import os
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fleetbpf.execution.command import END
from tests import envelopes
from tests.crowd import BACKLOG, ROOT, make_keys
from tests.hostile import honest, liars
from tests.hostile.floods import FLOODS, Flood

if TYPE_CHECKING:
    import asyncssh

LIAR = "liar"
FEW = 3
HONEST = tuple(f"web{number}" for number in range(1, FEW + 1))
LATE = {f"late-{name}": flood for name, flood in FLOODS.items()}
ALWAYS: Mapping[str, Flood] = {**FLOODS, **LATE}


def addresses(names: Sequence[str], network: int) -> dict[str, str]:
    """Each host's own address of the loopback."""
    return {name: f"127.91.{network}.{number}" for number, name in enumerate(names, start=1)}


LIARS = addresses([LIAR, *ALWAYS], 0)


def honest_hosts(count: int) -> dict[str, str]:
    """The honest hosts and their addresses."""
    return addresses([f"web{number}" for number in range(1, count + 1)], 1)


def truth_of(folder: Path, script: str, words: Sequence[str], stdin: bytes) -> bytes:
    """What an honest host says; the file `now` names the release that runs, if not the usual."""
    said = honest.says(script, words, stdin)
    now = folder / "now"
    if script == "facts" and now.exists():
        return said.replace(f"\t{honest.NOW}".encode(), b"\t" + now.read_bytes())
    return said


def flood_of(folder: Path, host: str, script: str) -> Flood | None:
    """The flood that a host sends in place of this answer, if it does."""
    if host in LATE and script == "facts":
        return None
    return ALWAYS.get(host) or (FLOODS.get((folder / "lie").read_text()) if host == LIAR else None)


async def say(
    folder: Path, host: str, process: "asyncssh.SSHServerProcess[bytes]", script: str, truth: bytes
) -> bool:
    """Say it, or what this host says in its place; whether an order may follow."""
    if flood := flood_of(folder, host, script):
        await flood.tell(process, truth)
    lie = (folder / "lie").read_text() if host == LIAR else ""
    said = liars.LIES[lie](truth) if lie else truth
    process.stdout.write(said)
    return said.endswith(END)


async def serve(
    folder: Path, names: Mapping[str, str], process: "asyncssh.SSHServerProcess[bytes]"
) -> None:
    """Do one command, and an order if one follows on its standard input."""
    host = names[process.get_extra_info("sockname")[0]]
    sent = await envelopes.arrive(process)
    script = honest.script_of(sent.text)
    stdin = b"" if script == "facts" else await process.stdin.read()
    truth = truth_of(folder, script, sent.arguments, stdin)
    whole = await say(folder, host, process, script, truth)
    # Nobody sends an order to a host that has not come to its end.
    if script == "facts" and whole and (order := await process.stdin.readline()):
        await process.stdin.read()
        truth = truth_of(folder, "activate", shlex.split(order.decode()), b"")
        await say(folder, host, process, "activate", truth)
    process.stdout.write(sent.end())
    process.exit(0)


async def accept(folder: Path, names: Mapping[str, str], listener: socket.socket) -> None:
    """Serve who comes until standard input ends."""
    import asyncssh

    class Ending(asyncssh.SSHServer):
        """Notes the end of its connection, if its host is honest."""

        def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
            self._host = names[conn.get_extra_info("sockname")[0]]

        def connection_lost(self, exc: Exception | None) -> None:
            if self._host not in LIARS:
                with (folder / "done").open("ab") as done:
                    done.write(b".")

    await asyncssh.listen(
        sock=listener,
        server_factory=Ending,
        server_host_keys=[str(folder / "host")],
        authorized_client_keys=str(folder / "identity.pub"),
        process_factory=lambda process: serve(folder, names, process),
        encoding=None,
        login_timeout=600,
    )
    await asyncio.to_thread(sys.stdin.read)
    os._exit(0)


def write_inventory(file: Path, ways: Mapping[str, str]) -> None:
    """An inventory of these hosts; a way is an address and a port."""
    folder = file.parent
    rows = "".join(
        f"    {name}: {{ansible_host: {address}, ansible_port: {port}}}\n"
        for name, (address, _, port) in ((name, way.partition(":")) for name, way in ways.items())
    )
    file.write_text(f"""\
all:
  vars:
    ansible_user: root
    fleetbpf_identity_file: {folder}/identity
    fleetbpf_known_hosts_file: {folder}/known_hosts
  hosts:
{rows}""")


def write_inventories(folder: Path, liars: Mapping[str, str], honest: Mapping[str, str]) -> None:
    """The ways to the honest and the liars, and the keys of all."""
    key = " ".join((folder / "host.pub").read_text().split()[:2])
    ways = [way.partition(":") for way in (*liars.values(), *honest.values())]
    known = "".join(f"[{address}]:{port} {key}\n" for address, _, port in ways)
    (folder / "known_hosts").write_text(known)
    write_inventory(folder / "honest.yml", honest)
    write_inventory(folder / "hosts.yml", {LIAR: liars[LIAR], **honest})
    floods = {name: way for name, way in liars.items() if name != LIAR}
    write_inventory(folder / "floods.yml", {**floods, **honest})


@contextmanager
def serving(folder: Path, *, honest: int = FEW) -> Iterator[None]:
    """The hosts in a process of their own; `folder` gets inventories of them."""
    (folder / "lie").write_text("")
    command = [sys.executable, "-m", "tests.hostile.small_fleet", str(folder), str(honest)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        try:
            if running.stdout is None or running.stdout.readline() != "ready\n":
                raise RuntimeError("the simulated hosts did not start")
            yield
        finally:
            running.kill()


@contextmanager
def listening() -> Iterator[socket.socket]:
    """A port on all addresses of the loopback."""
    with socket.socket() as listener:
        listener.bind(("0.0.0.0", 0))
        listener.listen(BACKLOG)
        yield listener


def main(folder: Path, count: int) -> None:
    make_keys(folder)
    hosts = honest_hosts(count)
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # it tells of each flood that was cut off
    with listening() as lying, listening() as well:
        ports = (lying.getsockname()[1], well.getsockname()[1])
        ways = (
            {name: f"{own}:{port}" for name, own in each.items()}
            for each, port in zip((LIARS, hosts), ports, strict=True)
        )
        write_inventories(folder, *ways)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        # A process of their own, or the liars would take the time of the honest on their side.
        served, listener = (hosts, well) if os.fork() else (LIARS, lying)
        names = {own: name for name, own in served.items()}
        asyncio.run(accept(folder, names, listener))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
