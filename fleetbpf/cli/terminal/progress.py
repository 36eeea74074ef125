"""Progress over hosts: a live table on a terminal, one line per event in a pipe."""

import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from fleetbpf.cli.output import Output

MOST_UNREACHABLE = 10  # hosts with a line of their own


class Progress(Protocol):
    """Something that is told what goes on; called from many threads."""

    def over(self, hosts: int) -> AbstractContextManager[None]:
        """Show what goes on while the block works on so many hosts (more)."""

    def paused(self) -> AbstractContextManager[None]:
        """Keep off the terminal while the block asks a person something."""

    def at(self, host: str, state: str) -> None:
        """A host has come to its next step: connecting, facts, …"""

    def say(self, host: str, text: str) -> None:
        """Something happens on a host that is worth a line."""

    def done(self, host: str, word: str, text: str = "", *, line: bool = True) -> None:
        """A host is finished: ok, changed, failed, unreachable, interrupted; and why.

        line: whether that is an event, or only the end of a question.
        """


def progress(output: Output) -> Progress:
    """The way of showing progress that standard error can take."""
    if not is_live(output):
        return Lines(output)
    from fleetbpf.cli.terminal.live_table import LiveTable

    return LiveTable(color=output.colours(sys.stderr), mask=output.mask)


def is_live(output: Output) -> bool:
    """Whether a table that moves is wanted: a person looks, and nothing else is to be read."""
    moving = sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    return moving and not os.environ.get("CI") and not output.json and output.verbosity == 0


class Lines:
    """One line per event, for pipes and log files; dead hosts beyond the first are told as one."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._unreachable = 0

    @contextmanager
    def over(self, hosts: int) -> Iterator[None]:  # noqa: ARG002 — lines need no count
        """Nothing has to be prepared."""
        yield

    @contextmanager
    def paused(self) -> Iterator[None]:
        """A line does not mind a question beside it."""
        yield

    def at(self, host: str, state: str) -> None:
        """Steps are not events; -v tells each command."""

    def say(self, host: str, text: str) -> None:
        """A line per event."""
        self._output.progress(f"{host}: {text}")

    def done(self, host: str, word: str, text: str = "", *, line: bool = True) -> None:  # noqa: ARG002 — the recap says why
        """A line per host; the errors at the end name those that were never reached."""
        if not line:
            return
        self._unreachable += word == "unreachable"
        if word != "unreachable" or self._unreachable < MOST_UNREACHABLE:
            self._output.progress(f"{host}: {word}")
        elif self._unreachable == MOST_UNREACHABLE:
            self._output.progress(f"{host}: {word}; more of these are told at the end")


class Silent(Lines):
    """Nothing at all, where records are printed as they come."""

    def say(self, host: str, text: str) -> None:
        """Say nothing."""

    def done(self, host: str, word: str, text: str = "", *, line: bool = True) -> None:
        """Say nothing."""
