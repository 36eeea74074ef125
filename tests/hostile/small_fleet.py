"""Simulated hosts behind real SSH: honest ones, and one that lies when it is told to.

usage: python -m tests.hostile.small_fleet FOLDER      serves until its standard input ends

The file `lie` in FOLDER names what the host `liar` says (liars.py); empty, it is honest as well.
"""

import asyncio
import os
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fleetbpf.command import END
from tests.crowd import ROOT, make_keys
from tests.hostile import honest, liars

if TYPE_CHECKING:
    import asyncssh

LIAR = "liar"
ADDRESSES = {LIAR: "127.91.0.1", **{f"web{n}": f"127.91.0.{n + 1}" for n in (1, 2, 3)}}
HONEST = tuple(name for name in ADDRESSES if name != LIAR)


def says(folder: Path, host: str, script: str, words: Sequence[str], stdin: bytes) -> bytes:
    """What a host says to a script."""
    truth = honest.says(script, words, stdin)
    lie = (folder / "lie").read_text()
    return liars.LIES[lie](truth) if lie and host == LIAR else truth


async def serve(folder: Path, process: "asyncssh.SSHServerProcess[bytes]") -> None:
    """Do one command, and an order if one follows on its standard input."""
    address = process.get_extra_info("sockname")[0]
    host = next(name for name, own in ADDRESSES.items() if own == address)
    command = process.command or ""
    script = honest.script_of(command)
    stdin = b"" if script == "facts" else await process.stdin.read()
    said = says(folder, host, script, honest.arguments(command), stdin)
    process.stdout.write(said)
    # Nobody sends an order to a host that has not come to its end.
    if script == "facts" and said.endswith(END) and (order := await process.stdin.readline()):
        await process.stdin.read()
        process.stdout.write(says(folder, host, "activate", shlex.split(order.decode()), b""))
    process.exit(0)


async def accept(folder: Path, listener: socket.socket) -> None:
    """Serve who comes until standard input ends."""
    import asyncssh

    await asyncssh.listen(
        sock=listener,
        server_host_keys=[str(folder / "host")],
        authorized_client_keys=str(folder / "identity.pub"),
        process_factory=lambda process: serve(folder, process),
        encoding=None,
    )
    await asyncio.to_thread(sys.stdin.read)
    os._exit(0)


def write_inventory(folder: Path, port: int) -> None:
    """The way to the hosts."""
    key = " ".join((folder / "host.pub").read_text().split()[:2])
    known = "".join(f"[{address}]:{port} {key}\n" for address in ADDRESSES.values())
    (folder / "known_hosts").write_text(known)
    hosts = "".join(f"    {name}: {{ansible_host: {own}}}\n" for name, own in ADDRESSES.items())
    (folder / "hosts.yml").write_text(f"""\
all:
  vars:
    ansible_user: root
    ansible_port: {port}
    fleetbpf_identity_file: {folder}/identity
    fleetbpf_known_hosts_file: {folder}/known_hosts
  hosts:
{hosts}""")


@contextmanager
def serving(folder: Path) -> Iterator[None]:
    """The hosts in a process of their own; `folder` gets an inventory of them."""
    (folder / "lie").write_text("")
    command = [sys.executable, "-m", "tests.hostile.small_fleet", str(folder)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        try:
            if running.stdout is None or running.stdout.readline() != "ready\n":
                raise RuntimeError("the simulated hosts did not start")
            yield
        finally:
            running.kill()


def main(folder: Path) -> None:
    make_keys(folder)
    with socket.socket() as listener:
        listener.bind(("0.0.0.0", 0))
        listener.listen(100)
        write_inventory(folder, listener.getsockname()[1])
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        asyncio.run(accept(folder, listener))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
