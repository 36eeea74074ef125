"""What a command is fed: bytes that are there, and more once it has said something."""

import math
from collections import deque


class Feed:
    """The bytes still to be sent; used by the one thread that serves the command.

    Nothing is copied but the piece that is sent: hosts may share a payload.
    """

    deadline: float = math.inf  # when, of time.monotonic, the rest must have come

    def __init__(self, first: bytes = b"", *, ended: bool = True) -> None:
        """`ended`: nothing more will come."""
        self._parts = deque(filter(None, (first,)))
        self._sent = 0  # of the first part
        self._ended = ended

    @property
    def waiting(self) -> bool:
        """Whether there is something to send now."""
        return bool(self._parts)

    @property
    def done(self) -> bool:
        """Whether all is sent that will ever be."""
        return self._ended and not self._parts

    @property
    def waits(self) -> bool:
        """Whether the command has told all, and its shell is there for an order."""
        return False

    @property
    def answered(self) -> bool:
        """Whether the command has ended, whatever its login shell does after that."""
        return False

    def piece(self, size: int) -> bytes:
        """The next bytes to send, at most `size`."""
        return self._parts[0][self._sent : self._sent + size]

    def took(self, size: int) -> None:
        """Count bytes of the last piece as sent."""
        self._sent += size
        if self._sent == len(self._parts[0]):
            self._parts.popleft()
            self._sent = 0

    def add(self, *more: bytes) -> None:
        """Have more sent after what is there."""
        self._parts.extend(filter(None, more))

    def end(self) -> None:
        """Nothing more will come."""
        self._ended = True

    def abandon(self) -> None:
        """Send nothing more: nobody reads it."""
        self._parts.clear()
        self._ended = True


def feed(stdin: bytes | Feed) -> Feed:
    """Bytes that are all there, or a feed as it is."""
    return stdin if isinstance(stdin, Feed) else Feed(stdin)
