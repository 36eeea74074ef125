"""Reach a lab host by ssh: does its sshd answer, does its key log in, the command for a shell."""

import socket
from collections.abc import Sequence
from contextlib import suppress

from fleetbpf.command import Command, render
from fleetbpf.connections.local import LocalConnection
from fleetbpf.errors import UnreachableError
from fleetbpf.lab.folder import LabFolder, Placed
from fleetbpf.lab.roster import ADDRESS, USERS

BANNER_SECONDS = 5.0
LOGIN_SECONDS = 60.0


def ssh(lab: LabFolder, placed: Placed, words: Sequence[str] = ()) -> Command:
    """The `ssh` command that opens a shell on the host, or runs `words` there."""
    options = {
        "BatchMode": "yes",
        "UserKnownHostsFile": quoted(str(lab.known_hosts)),
        "GlobalKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "yes",
        "IdentitiesOnly": "yes",
        "LogLevel": "ERROR",
    }
    return Command(
        *("ssh", "-F", "none", "-i", str(lab.identity), "-p", str(placed.port)),
        *(word for name, value in options.items() for word in ("-o", f"{name}={value}")),
        f"{USERS[placed.host.kind]}@{ADDRESS}",
        # ssh joins its words with spaces for the host's shell: one word, quoted already, is exact.
        *((render(Command(*words)),) if words else ()),
    )


def quoted(path: str) -> str:
    """A path for an option of ssh, where spaces separate file names and % begins a token."""
    return f'"{path.replace("%", "%%")}"'


def logs_in(lab: LabFolder, placed: Placed, local: LocalConnection) -> bool:
    """Whether the host's sshd answers with the right key and lets the lab's key in."""
    if not greets(placed.port):
        return False
    with suppress(UnreachableError):  # it took too long
        return local.run(ssh(lab, placed, ("true",)), timeout=LOGIN_SECONDS).status == 0
    return False


def greets(port: int) -> bool:
    """Whether an SSH banner comes. That the port is open says nothing: QEMU itself holds it."""
    with suppress(OSError), socket.create_connection((ADDRESS, port), BANNER_SECONDS) as link:
        return link.recv(4) == b"SSH-"
    return False
