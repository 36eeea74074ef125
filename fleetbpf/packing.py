"""What is sent to hosts, packed once for all that need the same, however many are in flight."""

import functools
import threading
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

from fleetbpf import activation

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


@one_at_a_time
@functools.lru_cache(maxsize=64)
def packed_loader(loader: Path, sha256: str) -> bytes:
    """A loader as a part of a payload, compressed once for all hosts."""
    return activation.pack({f"{activation.OBJECTS}{sha256}": loader.read_bytes()})


@one_at_a_time
@functools.lru_cache(maxsize=4)
def shared_payload(
    files: tuple[tuple[str, activation.Content], ...], packed: tuple[bytes, ...]
) -> bytes:
    """A payload; the same bytes for all hosts that need the same."""
    return activation.payload(dict(files), packed)
