"""New host keys, noted in a known_hosts file: whole lines, whoever else writes there."""

import base64
import fcntl
import hmac
import os
import secrets
from pathlib import Path

from fleetbpf.connections.keys import known_hosts
from fleetbpf.connections.keys.known_hosts import KnownHosts, Names, Standing, Verdict
from fleetbpf.files.private_files import make_folder

SALT = 20  # bytes, as many as the hash has (sshd(8), HashKnownHosts)


def note(
    known: KnownHosts, names: Names, *, kind: str, key: bytes, hashed: bool
) -> tuple[Verdict, bool]:
    """Append a key to the first of the files, unless one for the host has come there meanwhile.

    The verdict by what the files say now, and whether a line was added. The lock is on the file
    itself, for as long as it is looked through.
    """
    path = known.paths[0]
    make_folder(path.parent)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "ab", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        verdict = known_hosts.read(known.paths).judge(names, key)
        if verdict.standing is not Standing.UNKNOWN:
            return verdict, False
        name = hashed_name(names[0]) if hashed else names[0]
        line = f"{name} {kind} {base64.b64encode(key).decode()}\n"
        file.write((line if ends_with_newline(path) else f"\n{line}").encode())
    return Verdict(standing=Standing.KNOWN), True


def hashed_name(name: str) -> str:
    """A name that is recognised, but not read: `|1|salt|hash`."""
    salt = secrets.token_bytes(SALT)
    digest = hmac.digest(salt, name.encode(), "sha1")
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


def ends_with_newline(path: Path) -> bool:
    """Whether a line may be appended as it is."""
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return True
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
