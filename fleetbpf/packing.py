"""What is sent to hosts, packed once for all that need the same, however many are in flight."""

import functools
import threading
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from fleetbpf import activation
from fleetbpf.archive import Content

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
@functools.lru_cache(maxsize=4)
def shared_payload(files: tuple[tuple[str, Content], ...], packed: tuple[bytes, ...]) -> bytes:
    """A payload; the same bytes for all hosts that need the same."""
    return activation.payload(dict(files), packed)
