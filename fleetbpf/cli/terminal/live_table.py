"""The live table on a terminal: who is being worked on, who failed, and how many the rest are."""

import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.text import Text

from fleetbpf.cli.terminal.board import Board, Row, View
from fleetbpf.secret import Mask, unmasked
from fleetbpf.terminal_text import printable

REFRESHES = 4  # a second, in one thread, however many hosts there are
MOST_ROWS = 30
STATE_WIDTH, ELAPSED_WIDTH = len("unreachable"), len("1:02:05")
STYLES = {
    "ok": "green",
    "changed": "yellow",
    "failed": "bold red",
    "unreachable": "bold red",
    "interrupted": "magenta",
    "skipped": "cyan",
}


class LiveTable:
    """A table of bounded height on standard error, redrawn in place while hosts are worked on."""

    def __init__(
        self, *, color: bool, console: Console | None = None, mask: Mask = unmasked
    ) -> None:
        self._console = console or Console(
            file=sys.stderr, no_color=not color, highlight=False, emoji=False
        )
        self._board = Board()
        self._mask = mask
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._live: Live | None = None
        self._working = False
        self._questions = 0

    @contextmanager
    def over(self, hosts: int) -> Iterator[None]:
        """Show the table while the block works on so many hosts."""
        self._board.expect(hosts)
        self._change(working=True)
        try:
            yield
        finally:
            self._change(working=False)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave the terminal to somebody else, who asks a question, while the block runs."""
        self._change(questions=1)
        try:
            yield
        finally:
            self._change(questions=-1)

    def at(self, host: str, state: str) -> None:
        """The host's row tells what it is at."""
        self._board.at(host, state, time.monotonic())

    def say(self, host: str, text: str) -> None:
        """The host's row tells what it does."""
        self._board.say(host, self._mask(text))

    def done(self, host: str, word: str, text: str = "", *, line: bool = True) -> None:  # noqa: ARG002 — every end counts
        """The host's row goes, unless it failed."""
        self._board.done(host, word, self._mask(text), time.monotonic())

    def _change(self, *, working: bool | None = None, questions: int = 0) -> None:
        """Show the table while there is work and nobody is asked anything.

        The lock is not held meanwhile: Ctrl-C at a question must find the way out.
        """
        with self._lock:
            self._working = self._working if working is None else working
            self._questions += questions
            wanted = self._working and not self._questions
            if wanted and self._live is None:
                self._live = self._new_live()
                self._live.start()
            elif not wanted and self._live is not None:
                self._live.stop()
                self._live = None

    def _new_live(self) -> Live:
        return Live(
            get_renderable=self._render,
            console=self._console,
            refresh_per_second=REFRESHES,
            transient=True,  # the recap says it all again
        )

    def _render(self) -> Text:
        now = time.monotonic()
        size = self._console.size
        view, seconds = self._board.view(), now - self._began
        return drawn(view, now=now, seconds=seconds, width=size.width, height=size.height)


def drawn(view: View, *, now: float, seconds: float, width: int, height: int) -> Text:
    """The table for a terminal of that size; the line of counts is its last."""
    room = min(max(height - 3, 2), MOST_ROWS)
    failures = view.failures[-max(room // 3, 1) :]
    running = view.running[: room - len(failures)]
    rows = [
        *(cells(row, elapsed="") for row in failures),
        *(cells(row, elapsed=duration(now - row.since)) for row in running),
    ]
    widths = (min(widest(rows), width // 3), STATE_WIDTH, ELAPSED_WIDTH)
    last = counts(view, more=len(view.running) - len(running), seconds=seconds)
    lines = [*(in_columns(row, widths) for row in rows), last]
    for line in lines:
        line.truncate(
            max(width - 1, 1), overflow="ellipsis"
        )  # a full line would wrap on some terminals
    return Text("\n", no_wrap=True).join(lines)


def cells(row: Row, *, elapsed: str) -> tuple[Text, ...]:
    """Host, state, how long, and what it is at."""
    return (
        Text(one_line(row.host)),
        Text(one_line(row.state), style=STYLES.get(row.state, "")),
        Text(elapsed),
        Text(one_line(row.text)),
    )


def widest(rows: Sequence[tuple[Text, ...]]) -> int:
    """How wide the first cells are, in columns of a terminal."""
    return max((row[0].cell_len for row in rows), default=0)


def in_columns(row: tuple[Text, ...], widths: tuple[int, ...]) -> Text:
    """One line: each cell but the last cut or filled to its width."""
    *fixed, last = row
    for cell, width in zip(fixed, widths, strict=True):
        cell.truncate(width, overflow="ellipsis", pad=True)
    return Text("  ").join((*fixed, last))


def one_line(text: str) -> str:
    """The first line of a text that a terminal may be shown."""
    return printable(text.partition("\n")[0].replace("\t", " "))


def counts(view: View, *, more: int, seconds: float) -> Text:
    """The last line: 7 s: 12 of 2000 done: 10 ok, 2 failed; 50 running (20 more), 1938 waiting."""
    line = Text(f"{duration(seconds)}: {view.ended} of {view.total} done")
    for index, (word, count) in enumerate(sorted(view.counts.items())):
        line.append(": " if index == 0 else ", ")
        line.append(f"{count} {word}", style=STYLES.get(word, ""))
    line.append(f"; {len(view.running)} running" + (f" ({more} more)" if more > 0 else ""))
    if view.waiting > 0:
        line.append(f", {view.waiting} waiting")
    return line


def duration(seconds: float) -> str:
    """A time for people: 7 s, 2:05, 1:02:05."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
