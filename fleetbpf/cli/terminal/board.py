"""What is known of each host of a run while it goes on: what it is at, and how it ended."""

import threading
from collections import Counter, deque
from collections.abc import Sequence

from fleetbpf.frozen import frozen

LAST_FAILURES = 8
BAD = ("failed", "unreachable", "interrupted")


@frozen
class Row:
    """A host that is being worked on, or has failed."""

    host: str
    state: str
    text: str = ""
    since: float  # of time.monotonic(): when its work began


@frozen
class View:
    """All hosts at one moment."""

    running: Sequence[Row]  # the longest running first
    failures: Sequence[Row]  # the last ones
    counts: dict[str, int]  # of those that have ended, by their words
    total: int

    @property
    def ended(self) -> int:
        """How many hosts have ended."""
        return sum(self.counts.values())

    @property
    def waiting(self) -> int:
        """How many hosts have not begun."""
        return self.total - self.ended - len(self.running)


class Board:
    """Takes news from many threads; what a look at it costs does not grow with the fleet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._total = 0
        self._running: dict[str, Row] = {}
        self._failures: deque[Row] = deque(maxlen=LAST_FAILURES)
        self._counts: Counter[str] = Counter()

    def expect(self, hosts: int) -> None:
        """So many hosts more are to come."""
        with self._lock:
            self._total += hosts

    def at(self, host: str, state: str, now: float) -> None:
        """A host is at something, for which it may have begun only now."""
        with self._lock:
            known = self._running.get(host)
            since, text = (known.since, known.text) if known else (now, "")
            self._running[host] = Row(host=host, state=state, text=text, since=since)

    def say(self, host: str, text: str) -> None:
        """A host that is running does something in particular."""
        with self._lock:
            if known := self._running.get(host):
                row = Row(host=host, state=known.state, text=text, since=known.since)
                self._running[host] = row

    def done(self, host: str, word: str, text: str, now: float) -> None:
        """A host has ended."""
        with self._lock:
            known = self._running.pop(host, None)
            self._counts[word] += 1
            if word in BAD:
                since, last = (known.since, known.text) if known else (now, "")
                self._failures.append(Row(host=host, state=word, text=text or last, since=since))

    def view(self) -> View:
        """What is known now."""
        with self._lock:
            return View(
                running=tuple(self._running.values()),
                failures=tuple(self._failures),
                counts=dict(self._counts),
                total=self._total,
            )
