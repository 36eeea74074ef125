"""What a run's commands are told to: words for the table, lines for -v and -vv, no secrets."""

import io
from pathlib import Path

import pytest

from fleetbpf.cli.output import Output
from fleetbpf.cli.terminal.progress import Silent
from fleetbpf.cli.watching import ARRIVED, STATES, Watching
from fleetbpf.connections.recording import RecordingConnection
from fleetbpf.connections.watched import WatchedConnection
from fleetbpf.execution import Completed
from fleetbpf.execution.command import Command, script
from fleetbpf.fleet.command_log import CommandLog
from fleetbpf.secret import Secrets

HOST_SCRIPTS = Path(__file__).parents[2] / "fleetbpf" / "host"


class Table(Silent):
    """Remembers what hosts came to."""

    def __init__(self) -> None:
        super().__init__(Output())
        self.states: list[str] = []

    def at(self, host: str, state: str) -> None:
        self.states.append(state)


def run(command: Command, completed: Completed, *, verbosity: int = 0) -> list[str]:
    """Run a command under watch; the states that the table was told."""
    table = Table()
    output = Output(verbosity=verbosity, mask=Secrets("hunter2").mask)
    watching = Watching(output=output, shown=table, log=CommandLog(path=None))
    inner = RecordingConnection(lambda _: completed)
    WatchedConnection(inner, host="web1", watcher=watching.watcher()).run(command, stdin=b"12")
    return table.states


def test_every_script_has_a_word_for_the_table() -> None:
    scripts = {path.name for path in HOST_SCRIPTS.glob("*.sh")}
    # These go before and behind others.
    scripts -= {"folders.sh", "lock.sh", "ours.sh", "ending.sh", "unpack.sh"}
    assert scripts == set(STATES)


def test_a_host_is_sending_until_all_has_arrived() -> None:
    said = b"fleetbpf\tactivate\n" + ARRIVED + b"12\n"
    assert run(script("activate.sh"), Completed(status=0, stdout=said)) == ["sending", "starting"]


def test_activate_says_the_word_that_is_listened_for() -> None:
    text = (HOST_SCRIPTS / "activate.sh").read_text(encoding="utf-8")
    assert f"say {ARRIVED.decode().strip()} " in text


@pytest.mark.parametrize(
    ("verbosity", "lines"),
    [
        (0, []),
        (1, ["web1: login ***", "web1: login: status 1 after 0.00 s, 2 bytes sent, 4 received"]),
        (
            2,
            [
                "web1: login ***",
                "web1: login: status 1 after 0.00 s, 2 bytes sent, 4 received",
                "web1: > out",
                "web1: ! no ***",
            ],
        ),
    ],
)
def test_each_v_tells_more_and_never_a_secret(
    monkeypatch: pytest.MonkeyPatch, verbosity: int, lines: list[str]
) -> None:
    told = io.StringIO()
    monkeypatch.setattr("sys.stderr", told)
    monkeypatch.setattr("time.monotonic", lambda: 1.0)
    answer = Completed(status=1, stdout=b"out\n", stderr=b"no hunter2\n")
    run(Command("login", "hunter2"), answer, verbosity=verbosity)
    assert told.getvalue().splitlines() == lines
