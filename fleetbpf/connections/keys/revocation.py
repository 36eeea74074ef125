"""Host keys that RevokedHostKeys takes back: a file with public keys, or a binary KRL."""

import base64
from collections.abc import Iterable
from pathlib import Path

from fleetbpf.connections.keys.identities import public_line
from fleetbpf.errors import UnreachableError
from fleetbpf.execution.command import Command
from fleetbpf.execution.local import LocalConnection
from fleetbpf.wording import MisunderstoodError

MAGIC = b"SSHKRL\n\0"  # OpenSSH's PROTOCOL.krl
REVOKED, FINE = 1, 0  # statuses of `ssh-keygen -Q`
TIMEOUT = 30.0  # seconds

Shown = tuple[str, bytes]  # a type, and a key or a certificate of that type


def revokes(file: Path, shown: Shown, *, keys: Iterable[bytes]) -> bool:
    """Whether a file takes back what a host shows, or one of the bare keys that are in it.

    Raises MisunderstoodError when that cannot be told: then no host is to be trusted.
    """
    try:
        text = file.read_bytes()
    except OSError as error:
        raise MisunderstoodError(f"{file} cannot be read: {error.strerror}") from error
    if text.startswith(MAGIC):
        return is_in_krl(file, shown)
    listed = {public_line(line) for line in text.splitlines()}
    return not listed.isdisjoint(keys)


def is_in_krl(file: Path, shown: Shown) -> bool:
    """Whether ssh-keygen, the only one to know the format, finds it in a KRL."""
    kind, blob = shown
    line = f"{kind} {base64.b64encode(blob).decode()}\n".encode()
    try:
        with LocalConnection("ssh-keygen") as here:
            asked = Command("ssh-keygen", "-Q", "-f", file, "/dev/stdin")
            done = here.run(asked, stdin=line, timeout=TIMEOUT)
    except UnreachableError as error:
        raise MisunderstoodError(str(error)) from error
    if done.status not in (REVOKED, FINE):
        raise MisunderstoodError(f"ssh-keygen: {done.stderr.decode(errors='replace').strip()}")
    return done.status == REVOKED
