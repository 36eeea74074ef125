"""News of hosts that are followed, told to people: those of one moment together."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeVar

from fleetbpf.cli.output import Output
from fleetbpf.fleet import in_common
from fleetbpf.fleet.following import Following, News
from fleetbpf.host.lock import told_age

if TYPE_CHECKING:
    from fleetbpf.cli.session import Session
    from fleetbpf.execution import Connection
    from fleetbpf.fleet.fleet import Outcome
    from fleetbpf.model.target import Target

T = TypeVar("T")
MOMENT = 0.3  # seconds: hosts that are lost together are told together


def keep_on(
    session: "Session",
    targets: "Sequence[Target]",
    work: "Callable[[Callable[[str], None]], Callable[[Target, Connection], T]]",
    output: Output,
) -> "tuple[Outcome[T], ...]":
    """Do on all hosts what does not end, and again where one was lost, until interrupted.

    All at once, whatever `forks` says. `work` makes what is done on a host, given what is to be
    called with the host's name when that goes on there.
    """
    cast = Newscast(output)
    following = Following(cast.take)
    all_at_once = replace(session.silent(), forks=max(len(targets), 1))
    try:
        return all_at_once.on_each(
            targets,
            work(following.begin),
            again=lambda host, error: following.again(host.name, error),
        )
    finally:
        cast.end()


class Newscast:
    """Takes news from many threads and tells them in one of its own."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._news: SimpleQueue[News | None] = SimpleQueue()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go_on, daemon=True)
        self._thread.start()

    def take(self, news: News) -> None:
        """Tell this soon."""
        self._news.put(news)

    def end(self) -> None:
        """Tell what is left, and no more."""
        self._over.set()
        self._news.put(None)
        self._thread.join()

    def _go_on(self) -> None:
        while True:
            first = self._news.get()
            self._over.wait(MOMENT)
            rest = self._drain()
            found = [news for news in (first, *rest) if news]
            for line in told(found):
                self._output.error(line)
            if first is None or None in rest:
                return

    def _drain(self) -> list[News | None]:
        found: list[News | None] = []
        while True:
            try:
                found.append(self._news.get_nowait())
            except Empty:
                return found


def told(news: Sequence[News]) -> list[str]:
    """News of one moment, in lines; the last of each host."""
    news = tuple({each.host: each for each in news}.values())
    lost = in_common.share(each.problem for each in news if each.lost)
    lines = [line for problem in lost for line in problem.lines()]
    back = [each for each in news if each.lost is None]
    if back:
        names, away = in_common.in_short([each.host for each in back]), max(b.away for b in back)
        count = f" ({len(back)} hosts)" if len(back) >= in_common.SHORTEST_RANGE else ""
        lines.append(f"{names}: followed again after {told_age(round(away))}{count}")
    return lines
