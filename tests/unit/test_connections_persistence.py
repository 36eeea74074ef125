"""What is tried again when a host cannot be reached, and what is not; the time a host may take."""

import socket
import time
from dataclasses import replace

import pytest

from fleetbpf.connections import reasons
from fleetbpf.connections.limited import LimitedConnection
from fleetbpf.connections.links import connect_timeout
from fleetbpf.connections.persistence import ATTEMPTS, persistently
from fleetbpf.connections.recording import RecordingConnection
from fleetbpf.connections.settings import ConnectionSettings
from fleetbpf.errors import Problem, TransientError, UnreachableError
from fleetbpf.execution import Completed
from fleetbpf.execution.command import Command

HOST = ConnectionSettings(name="web1", address="192.0.2.1", user="ops", known_hosts_files=())
PASSES = TransientError(Problem(where="web1", what="turned away"))
TURNED_AWAY = reasons.not_greeted(HOST, None, first_lines=("Not allowed at this time",))
STAYS = UnreachableError(Problem(where="web1", what="refused"))


class Attempts:
    """An attempt that fails with one error after the other, then succeeds; counts its calls."""

    def __init__(self, *errors: UnreachableError) -> None:
        self.errors = list(errors)
        self.left: list[float] = []
        self.pauses: list[float] = []

    def __call__(self, left: float) -> str:
        self.left.append(left)
        if self.errors:
            raise self.errors.pop(0)
        return "logged in"

    def run(self, timeout: float = 60.0, jitter: float = 1.0) -> str:
        return persistently(
            self, timeout=timeout, sleep=self.pauses.append, jitter=lambda a, b: jitter
        )


def test_what_may_pass_is_tried_again_after_longer_and_longer_pauses() -> None:
    attempts = Attempts(PASSES, PASSES)

    assert attempts.run() == "logged in"
    assert attempts.pauses == [0.5, 1.0]
    assert attempts.left[0] == 60.0
    assert attempts.left[2] < 60.0


def test_who_is_turned_away_for_some_time_waits_for_longer() -> None:
    attempts = Attempts(*[TURNED_AWAY] * 3)

    assert attempts.run() == "logged in"
    assert attempts.pauses == [4.0, 8.0, 16.0]


def test_the_pauses_are_spread() -> None:
    attempts = Attempts(PASSES, PASSES)

    attempts.run(jitter=1.5)

    assert attempts.pauses == [0.75, 1.5]


def test_what_will_not_pass_is_tried_once() -> None:
    attempts = Attempts(STAYS)

    with pytest.raises(UnreachableError, match="refused"):
        attempts.run()
    assert len(attempts.left) == 1


def test_the_last_attempt_tells_its_error() -> None:
    attempts = Attempts(*[PASSES] * 10)

    with pytest.raises(TransientError):
        attempts.run()
    assert len(attempts.left) == ATTEMPTS


def test_no_pause_goes_past_the_time_out() -> None:
    attempts = Attempts(PASSES)

    with pytest.raises(TransientError):
        attempts.run(timeout=0.3)
    assert attempts.pauses == []


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (reasons.not_dialled(HOST, socket.gaierror(socket.EAI_AGAIN, ""), timeout=1), True),
        (reasons.not_dialled(HOST, socket.gaierror(socket.EAI_NONAME, ""), timeout=1), False),
        (reasons.not_dialled(HOST, ConnectionRefusedError(), timeout=1), False),
        (reasons.not_dialled(HOST, TimeoutError(), timeout=1), False),
        (reasons.not_greeted(HOST, ConnectionResetError(), first_lines=()), True),
        (reasons.not_greeted(HOST, EOFError(), first_lines=()), True),
        (reasons.not_greeted(HOST, None, first_lines=("Exceeded MaxStartups",)), True),
        (reasons.not_greeted(HOST, None, first_lines=("Not allowed at this time",)), True),
        (reasons.not_greeted(HOST, None, first_lines=("HTTP/1.1 400",)), False),
        (reasons.denied(HOST, tried=("key",), skipped=(), accepts=()), False),
    ],
)
def test_which_reasons_may_pass(error: UnreachableError, transient: bool) -> None:
    assert isinstance(error, TransientError) is transient, str(error)


class Slow(RecordingConnection):
    """A connection on which every command takes all the time that it is given."""

    timeout = 0.0

    def run(self, command: Command, *, timeout: float = 600.0, **_: object) -> Completed:
        self.timeout = timeout
        time.sleep(timeout)
        raise UnreachableError(Problem(where="web1", what=f"timed out after {timeout} s"))


def test_a_command_gets_what_is_left_of_its_hosts_time() -> None:
    slow = Slow()
    limited = LimitedConnection(slow, name="web1", seconds=0.1, deadline=time.monotonic() + 0.1)

    with pytest.raises(UnreachableError, match=r"web1: not finished after 0\.1 s"):
        limited.run(Command("sleep", "99"))
    assert slow.timeout <= 0.1


def test_a_host_without_time_left_is_asked_nothing_more() -> None:
    inner = RecordingConnection()
    limited = LimitedConnection(inner, name="web1", seconds=5, deadline=time.monotonic() - 1)

    with pytest.raises(UnreachableError, match="not finished after 5 s"):
        limited.run(Command("true"))
    assert inner.ran == []


def test_an_error_within_a_hosts_time_stays_what_it_is() -> None:
    def refuse(_: object) -> Completed:
        raise STAYS

    limited = LimitedConnection(
        RecordingConnection(refuse), name="web1", seconds=60, deadline=time.monotonic() + 60
    )

    with pytest.raises(UnreachableError, match="refused"):
        limited.run(Command("true"))


@pytest.mark.parametrize(
    ("said_here", "said_in_ssh_config", "seconds"),
    [(None, None, 10), (None, 25.0, 25), (None, 3.0, 3), (30, None, 30), (30, 5.0, 5), (4, 9.0, 4)],
)
def test_a_host_that_does_not_answer_is_given_up_after_ten_seconds_unless_somebody_says_otherwise(
    said_here: float | None, said_in_ssh_config: float | None, seconds: float
) -> None:
    host = replace(HOST, connect_timeout=said_in_ssh_config)
    assert connect_timeout(host, said_here) == seconds
