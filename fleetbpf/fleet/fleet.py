"""Many hosts at once: the same work on each, `forks` at a time, one connection per host."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from functools import partial
from typing import Generic, TypeVar

from fleetbpf.connections.crew import GRACE, Crew, Slot, at_once
from fleetbpf.errors import (
    FleetbpfError,
    HostError,
    InterruptedHostError,
    Problem,
    UnreachableError,
)
from fleetbpf.execution import Connection
from fleetbpf.execution.local import LocalConnection
from fleetbpf.fleet.bug_report import Reports
from fleetbpf.frozen import frozen
from fleetbpf.model.inventory import Host
from fleetbpf.secret import Mask, unmasked

T = TypeVar("T")
Open = Callable[[Host, Slot], Connection]


Again = Callable[[Host, FleetbpfError], float | None]


def give_up(_host: Host, _error: FleetbpfError) -> None:
    """Try no host a second time."""


@frozen
class Outcome(Generic[T]):
    """What became of the work on one host: its value, or the error that ended it."""

    host: Host
    value: T | None = None
    error: FleetbpfError | None = None

    @property
    def unreachable(self) -> bool:
        """Whether the host could not be reached, or was lost on the way."""
        return isinstance(self.error, UnreachableError)

    @property
    def word(self) -> str:
        """What became of the host, in a word."""
        if self.error is None:
            return "ok"
        if self.interrupted:
            return "interrupted"
        return "unreachable" if self.unreachable else "failed"

    @property
    def why(self) -> str:
        """What ended it early, in a line; "" when nothing did."""
        return self.error.problems[0].what if self.error and self.error.problems else ""

    @property
    def interrupted(self) -> bool:
        """Whether the operator's interrupt ended it."""
        return isinstance(self.error, InterruptedHostError)


def on_each(
    hosts: Sequence[Host],
    work: Callable[[Host, Connection], T],
    *,
    open_connection: Open,
    forks: int,
    aside: int = 0,
    done: Callable[[Outcome[T]], None] = lambda _: None,
    mask: Mask = unmasked,
    again: Again = give_up,
) -> tuple[Outcome[T], ...]:
    """Do `work` on every host; the outcomes in the order of `hosts`, each also told to `done`.

    aside: so many hosts that do not answer may be waited for beside those that `forks` counts.
    again: the seconds until a host is tried anew after an error; None: the error is its outcome.
    An error on one host does not touch the others, whatever it is. On Ctrl-C hosts not begun are
    left alone, open connections are cut, and the unfinished hosts' outcomes say so. Work that does
    not end then is left behind: its thread dies with the process.
    """
    reports = Reports(mask)
    connections = Connections(open_connection, again)
    tasks = (partial(connections.use, host, work) for host in hosts)
    crew = Crew(tasks, threads=max(forks, 1), aside=aside)
    by_future = dict(zip(crew.futures, hosts, strict=True))
    outcomes: dict[str, Outcome[T]] = {}
    try:
        for future in crew.ended():
            found = outcome(by_future[future], future, reports)
            outcomes[found.host.name] = found
            done(found)
    except KeyboardInterrupt:
        LocalConnection.close_all()  # builds that hosts wait for
    finally:
        crew.dismiss()
        # Who is still connecting has done nothing: nobody waits for that.
        in_use = connections.in_use
        connections.cut()
        wait([future for future, host in by_future.items() if host.name in in_use], timeout=GRACE)
    return tuple(outcomes.get(host.name) or unfinished(host) for host in hosts)


def outcome(host: Host, future: Future[T], reports: Reports) -> Outcome[T]:
    """The outcome in a finished future; a bug in the work is an error of that host, with a report.

    What ends the process is raised: an interrupt, and that nobody reads what we print any more.
    """
    try:
        return Outcome(host=host, value=future.result())
    except FleetbpfError as error:
        return Outcome(host=host, error=error)
    except BrokenPipeError:
        raise
    except Exception as error:  # once per host: a host must not end the work on the others
        return Outcome(host=host, error=HostError(reports.problem(host.name, error)))


def unfinished(host: Host) -> Outcome[T]:
    """The outcome of a host that an interrupt left unfinished."""
    hint = "run the same command again: it finishes what is left"
    problem = Problem(where=host.name, what="interrupted before it was finished", hint=hint)
    return Outcome(host=host, error=InterruptedHostError(problem))


class Connections:
    """The connections that are open at this moment, so that an interrupt can cut them."""

    def __init__(self, open_connection: Open, again: Again) -> None:
        self._open_connection = open_connection
        self._again = again
        self._open: dict[str, Connection] = {}  # by the host's name
        self._lock = threading.Lock()
        self._cut = threading.Event()

    def use(self, host: Host, work: Callable[[Host, Connection], T], slot: Slot) -> T:
        """Open a connection to `host`, do `work` with it, close it; anew where that is wanted."""
        while True:
            try:
                return self._use_once(host, work, slot)
            except FleetbpfError as error:
                pause = None if self._cut.is_set() else self._again(host, error)
                if pause is None or self._cut.wait(pause):
                    raise

    def _use_once(self, host: Host, work: Callable[[Host, Connection], T], slot: Slot) -> T:
        with self._open_connection(host, slot) as connection:
            with self._lock:
                self._open[host.name] = connection
                late = self._cut.is_set()
            try:
                if late:
                    connection.close()
                return work(host, connection)
            finally:
                with self._lock:
                    del self._open[host.name]

    def cut(self) -> None:
        """Close all open connections; their work ends with UnreachableError."""
        with self._lock:
            self._cut.set()
            open_now = tuple(self._open.values())
        at_once(connection.close for connection in open_now)

    @property
    def in_use(self) -> frozenset[str]:
        """The hosts that are connected at this moment, by their names."""
        with self._lock:
            return frozenset(self._open)
