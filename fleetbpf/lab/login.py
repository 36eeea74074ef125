"""Reach a lab host by ssh: does its sshd answer, does its key log in, the command for a shell."""

import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from fleetbpf.execution.command import Command, render
from fleetbpf.execution.local import LocalConnection
from fleetbpf.lab.folder import LabFolder, Placed
from fleetbpf.lab.roster import ADDRESS, USERS

BANNER_SECONDS = 5.0
PAUSE = 0.3
# While Debian starts, only root may log in: a refusal is no answer yet.
REFUSALS = 30
REFUSED_PAUSE = 10.0  # seconds at most between two logins
NO_LIMIT = 86400.0  # seconds: whoever waits for the login decides, not a clock


class RefusedError(Exception):
    """The host's sshd answers, and lets nobody in; the text is what ssh said."""


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
        *((line(words),) if words else ()),
    )


def line(words: Sequence[str]) -> str:
    """What the host's shell is told: one word is a command line, as with ssh; several are exact.

    ssh joins its words with spaces for that shell: one word, quoted already, stays what it is.
    """
    return words[0] if len(words) == 1 else render(Command(*words))


def quoted(path: str) -> str:
    """A path for an option of ssh, where spaces separate file names and % begins a token."""
    return f'"{path.replace("%", "%%")}"'


def log_in(
    lab: LabFolder,
    placed: Placed,
    local: LocalConnection,
    over: threading.Event,
    *,
    refusals: int = REFUSALS,
) -> None:
    """Return when the host's sshd answers with the right key and lets the lab's key in.

    Returns as well when `over` is set; closing `local` then ends a login that still waits. Raises
    RefusedError after `refusals` logins that the sshd refused. No login is given up for being slow:
    the guest would have its sshd to end besides, and the next login would take longer.
    """
    refused = 0
    while not over.is_set():
        if not greets(placed.port, until=over.is_set):
            over.wait(PAUSE)
            continue
        done = local.run(ssh(lab, placed, ("true",)), timeout=NO_LIMIT)
        if done.status == 0:
            return
        refused += 1
        if refused == refusals:
            raise RefusedError(done.stderr.decode(errors="replace").strip())
        over.wait(min(refused * PAUSE, REFUSED_PAUSE))


def greets(port: int, *, until: Callable[[], bool]) -> bool:
    """Whether an SSH banner comes, on one connection that is kept until `until()` is true.

    That the port is open says nothing: QEMU itself holds it.
    """
    with suppress(OSError), socket.create_connection((ADDRESS, port), BANNER_SECONDS) as link:
        link.settimeout(PAUSE)
        while not until():
            with suppress(TimeoutError):
                return link.recv(4) == b"SSH-"
    return False


def greets_soon(port: int) -> bool:
    """Whether an SSH banner comes within a few seconds."""
    deadline = time.monotonic() + BANNER_SECONDS
    return greets(port, until=lambda: time.monotonic() > deadline)
