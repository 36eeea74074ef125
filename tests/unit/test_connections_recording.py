"""The connection that only remembers."""

import pytest

from fleetbpf.connections.recording import Ran, RecordingConnection
from fleetbpf.execution import Completed, Connection
from fleetbpf.execution.command import Command

LIST = Command("ls", "a b")


def test_without_answers_every_command_succeeds_and_is_remembered() -> None:
    connection = RecordingConnection()

    assert connection.run(LIST, stdin=b"x") == Completed(status=0)
    assert connection.ran == [Ran(command=LIST, stdin=b"x")]
    assert connection.commands == (LIST,)


def test_a_table_gives_the_answer_of_each_command() -> None:
    connection = RecordingConnection({LIST: Completed(status=2, stderr=b"no")})

    assert connection.run(LIST).status == 2


def test_a_command_that_is_not_in_the_table_is_named() -> None:
    with pytest.raises(LookupError, match="no answer for: ls 'a b'"):
        RecordingConnection({}).run(LIST)


def test_a_function_answers_by_what_was_fed() -> None:
    connection = RecordingConnection(lambda ran: Completed(status=0, stdout=ran.stdin.upper()))

    assert connection.run(LIST, stdin=b"abc").stdout == b"ABC"


def test_a_sink_gets_the_output_instead_of_the_answer() -> None:
    pieces: list[bytes] = []
    connection = RecordingConnection({LIST: Completed(status=0, stdout=b"out", stderr=b"err")})

    done = connection.run(LIST, stdout=pieces.append)

    assert pieces == [b"out"]
    assert done == Completed(status=0, stderr=b"err")


def test_it_is_a_connection_that_is_closed_by_with() -> None:
    recording = RecordingConnection()
    connection: Connection = recording

    with connection:
        assert not recording.closed
    assert recording.closed
