"""What a command is fed: bytes that are there, and more once it has said something."""

import math


class Feed:
    """The bytes still to be sent; used by the one thread that serves the command."""

    deadline: float = math.inf  # when, of time.monotonic, the rest must have come

    def __init__(self, first: bytes = b"", *, ended: bool = True) -> None:
        """`ended`: nothing more will come."""
        self._bytes = first
        self._sent = 0
        self._ended = ended

    @property
    def waiting(self) -> bool:
        """Whether there is something to send now."""
        return self._sent < len(self._bytes)

    @property
    def done(self) -> bool:
        """Whether all is sent that will ever be."""
        return self._ended and not self.waiting

    def piece(self, size: int) -> bytes:
        """The next bytes to send, at most `size`."""
        return self._bytes[self._sent : self._sent + size]

    def took(self, size: int) -> None:
        """Count bytes as sent."""
        self._sent += size

    def add(self, more: bytes) -> None:
        """Have more sent after what is there."""
        self._bytes, self._sent = self._bytes[self._sent :] + more, 0

    def end(self) -> None:
        """Nothing more will come."""
        self._ended = True

    def abandon(self) -> None:
        """Send nothing more: nobody reads it."""
        self._bytes, self._sent, self._ended = b"", 0, True


def feed(stdin: bytes | Feed) -> Feed:
    """Bytes that are all there, or a feed as it is."""
    return stdin if isinstance(stdin, Feed) else Feed(stdin)
