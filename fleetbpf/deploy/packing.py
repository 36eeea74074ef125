"""What is sent to hosts, packed once for all that need the same, however many are in flight."""

import functools
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import ParamSpec, TypeVar

from fleetbpf.execution.command import script_text
from fleetbpf.files.archive import Compression, Content, archive, pack

P = ParamSpec("P")
T = TypeVar("T")


def one_at_a_time(function: Callable[P, T]) -> Callable[P, T]:
    """`function` for one thread at a time.

    Around a cache: else all hosts of the first moment, which miss it together, pack for themselves.
    """
    lock = threading.Lock()

    @functools.wraps(function)
    def alone(*args: P.args, **kwargs: P.kwargs) -> T:
        with lock:
            return function(*args, **kwargs)

    return alone


def payload(
    files: Mapping[str, Content],
    packed: Iterable[bytes] = (),
    compression: Compression = Compression.GZIP,
) -> bytes:
    """What `Activation.command` is fed: the script, what was packed before, and `files`."""
    return archive(files, (script_member(compression), *packed), compression)


@one_at_a_time
@functools.lru_cache(maxsize=4)
def shared_payload(
    files: tuple[tuple[str, Content], ...], packed: tuple[bytes, ...], compression: Compression
) -> bytes:
    """A payload; the same bytes for all hosts that need the same."""
    return payload(dict(files), packed, compression)


@functools.cache
def script_member(compression: Compression) -> bytes:
    """The script as a part of a payload."""
    text = "".join(map(script_text, ("lock.sh", "ours.sh", "ending.sh", "activate.sh")))
    return pack({"script": text.encode()}, compression)
