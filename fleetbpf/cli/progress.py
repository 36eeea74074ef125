"""Progress over hosts: a live table on a terminal, plain lines in a pipe."""

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from fleetbpf.cli.output import Output

if TYPE_CHECKING:
    from rich.table import Table


class Progress(Protocol):
    """Something that is told what goes on; called from many threads."""

    def say(self, host: str, text: str) -> None:
        """A host has begun something."""

    def done(self, host: str, word: str) -> None:
        """A host is finished."""


@contextmanager
def progress(output: Output, hosts: Sequence[str]) -> Iterator[Progress]:
    """Show progress on standard error while the block runs."""
    if output.json or not sys.stderr.isatty():
        yield Lines(output)
        return
    from rich.console import Console
    from rich.live import Live

    table = LiveTable(hosts)
    with Live(get_renderable=table.render, console=Console(stderr=True), refresh_per_second=8):
        yield table


class Lines:
    """One line per event, for pipes and log files."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def say(self, host: str, text: str) -> None:
        """A line per event."""
        self._output.progress(f"{host}: {text}")

    def done(self, host: str, word: str) -> None:
        """A line per host."""
        self._output.progress(f"{host}: {word}")


class LiveTable:
    """A row per host, redrawn in place."""

    STYLES = {  # noqa: RUF012 — rich's names of colours
        "ok": "green",
        "changed": "yellow",
        "failed": "bold red",
        "unreachable": "bold red",
        "interrupted": "magenta",
    }

    def __init__(self, hosts: Sequence[str]) -> None:
        self._rows = dict.fromkeys(hosts, ("…", ""))
        self._lock = threading.Lock()

    def say(self, host: str, text: str) -> None:
        """The host's row tells what it is at."""
        with self._lock:
            self._rows[host] = ("…", text)

    def done(self, host: str, word: str) -> None:
        """The host's row tells how it ended."""
        with self._lock:
            self._rows[host] = (word, "")

    def render(self) -> "Table":
        """The table as it is now; the longest fleets show what is unfinished first."""
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, show_header=False, pad_edge=False)
        with self._lock:
            rows = sorted(self._rows.items(), key=lambda row: row[1][0] != "…")
        for host, (word, text) in rows:
            table.add_row(host, Text(word, style=self.STYLES.get(word, "")), Text(text))
        return table
