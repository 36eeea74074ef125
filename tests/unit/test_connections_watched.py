"""A watched connection: everything is told, and nothing is changed."""

import pytest

from fleetbpf.connections.recording import Ran, RecordingConnection
from fleetbpf.connections.watched import Exchange, WatchedConnection, Watcher
from fleetbpf.errors import Problem, UnreachableError
from fleetbpf.execution import Completed
from fleetbpf.execution.command import Command

COMMAND = Command("cat")


def watched(answer: object) -> tuple[WatchedConnection, list[object]]:
    told: list[object] = []

    def run(_: Ran) -> Completed:
        if isinstance(answer, BaseException):
            raise answer
        assert isinstance(answer, Completed)
        return answer

    watcher = Watcher(begun=lambda host, command: told.append((host, command)), ended=told.append)
    return WatchedConnection(RecordingConnection(run), host="web1", watcher=watcher), told


def test_a_command_is_told_when_it_begins_and_when_it_has_ended() -> None:
    connection, told = watched(Completed(status=3, stdout=b"out", stderr=b"err"))
    completed = connection.run(COMMAND, stdin=b"1234")
    began, ended = told
    assert began == ("web1", COMMAND)
    assert isinstance(ended, Exchange)
    assert (ended.completed, ended.sent, ended.received) == (completed, 4, 3)


def test_what_a_sink_takes_is_counted_as_well() -> None:
    connection, told = watched(Completed(status=0, stdout=b"12345"))
    pieces: list[bytes] = []
    connection.run(COMMAND, stdout=pieces.append)
    assert pieces == [b"12345"]
    assert isinstance(told[1], Exchange)
    assert told[1].received == 5


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (UnreachableError(Problem(where="web1", what="the link was lost")), "the link was lost"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
    ],
)
def test_a_command_that_does_not_end_is_told_and_its_error_goes_on(
    error: BaseException, said: str
) -> None:
    connection, told = watched(error)
    with pytest.raises(type(error)):
        connection.run(COMMAND)
    assert isinstance(told[1], Exchange)
    assert (told[1].completed, told[1].error) == (None, said)


def test_each_piece_of_output_is_heard_as_it_comes() -> None:
    heard: list[tuple[str, bytes]] = []
    watcher = Watcher(heard=lambda host, _, piece: heard.append((host, piece)))
    inner = RecordingConnection(lambda _: Completed(status=0, stdout=b"out"))
    completed = WatchedConnection(inner, host="web1", watcher=watcher).run(COMMAND)
    assert (completed.stdout, heard) == (b"out", [("web1", b"out")])


def test_closing_closes_what_is_inside() -> None:
    inner = RecordingConnection()
    with WatchedConnection(inner, host="web1", watcher=Watcher()):
        pass
    assert inner.closed
