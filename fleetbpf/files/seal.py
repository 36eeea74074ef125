"""The seal of what this user's builds left in the cache: its key lies elsewhere.

Who can write into the cache can change a loader and its digest together, but cannot seal them anew.
"""

import functools
import hashlib
import hmac
import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from fleetbpf.errors import BuildError, Problem
from fleetbpf.files import homes
from fleetbpf.files.private_files import make_folder

SIZE = 32  # bytes


def key_file() -> Path:
    """Where the key is: with this user's state, not in the cache."""
    base = os.environ.get("XDG_STATE_HOME") or homes.home() / ".local" / "state"
    return Path(base, "fleetbpf", "cache.key")


@functools.cache
def key(file: Path) -> bytes:
    """The key in a file, made when there is none; BuildError when it cannot be had."""
    try:
        if not file.exists():
            make(file)
        found = file.read_bytes()
        mode = file.stat().st_mode
    except OSError as error:
        raise unusable(file, error.strerror or "no reason given") from error
    if mode & 0o077 or len(found) != SIZE:
        raise unusable(file, "others may read it" if mode & 0o077 else "it is damaged")
    return found


def make(file: Path) -> None:
    """Write a new key; of several processes, the first one's stays."""
    make_folder(file.parent)
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=".new-")
    try:
        with open(descriptor, "wb") as new:  # noqa: PTH123 (a descriptor)
            new.write(secrets.token_bytes(SIZE))
        with suppress(FileExistsError):
            os.link(name, file)
    finally:
        Path(name).unlink(missing_ok=True)


def seal(key_of_user: bytes, *parts: str) -> str:
    """What only who has the key can make of the parts."""
    text = "\0".join(f"{len(part)}:{part}" for part in parts)
    return hmac.new(key_of_user, text.encode(errors="surrogateescape"), hashlib.sha256).hexdigest()


def is_sealed(found: str, key_of_user: bytes, *parts: str) -> bool:
    """Whether a seal is that of the parts."""
    return hmac.compare_digest(found.encode(), seal(key_of_user, *parts).encode())


def unusable(file: Path, why: str) -> BuildError:
    """What to say of a key that is none."""
    what = f"the key of the build cache cannot be used: {why}"
    return BuildError(Problem(where=str(file), what=what, hint="remove it: a new one is made"))
