"""Many hosts at once: outcomes, errors that stay where they are, interrupts."""

import tempfile
import threading
from pathlib import Path

import pytest

from fleetbpf.connections.crew import Slot
from fleetbpf.connections.recording import RecordingConnection
from fleetbpf.errors import HostError, Problem, UnreachableError
from fleetbpf.execution import Connection
from fleetbpf.execution.command import Command
from fleetbpf.fleet.fleet import Outcome, on_each
from fleetbpf.model.inventory import Host

HOSTS = [Host(name=f"h{n}", address="127.0.0.1") for n in range(5)]


def open_recording(host: Host, _: Slot) -> Connection:
    if host.name == "h1":
        raise UnreachableError(Problem(where=host.name, what="refused"))
    return RecordingConnection()


def work(host: Host, connection: Connection) -> str:
    if host.name == "h2":
        raise HostError(Problem(where=host.name, what="broken"))
    connection.run(Command("true"))
    return host.name.upper()


def test_outcomes_come_in_the_order_of_the_hosts_whatever_happened() -> None:
    outcomes = on_each(HOSTS, work, open_connection=open_recording, forks=2)
    assert [(found.host.name, found.word) for found in outcomes] == [
        ("h0", "ok"),
        ("h1", "unreachable"),
        ("h2", "failed"),
        ("h3", "ok"),
        ("h4", "ok"),
    ]
    assert outcomes[4].value == "H4"


def test_no_more_than_forks_hosts_are_worked_on_at_once() -> None:
    now, most, lock = [0], [0], threading.Lock()
    gate = threading.Barrier(2, timeout=30)

    def counted(host: Host, _: Connection) -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        gate.wait()
        with lock:
            now[0] -= 1

    on_each(HOSTS[:4], counted, open_connection=lambda *_: RecordingConnection(), forks=2)
    assert most[0] == 2


def test_an_interrupt_does_not_wait_for_hosts_that_do_not_answer() -> None:
    never = threading.Event()

    def hanging(host: Host, _: Slot) -> Connection:
        if host.name != "h0":
            never.wait()
        return RecordingConnection()

    def interrupt(_: Outcome[str]) -> None:
        raise KeyboardInterrupt

    outcomes = on_each(HOSTS, work, open_connection=hanging, forks=5, done=interrupt)
    assert [found.word for found in outcomes] == ["ok", *["interrupted"] * 4]


def test_a_bug_on_one_host_is_its_error_with_a_report_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def buggy(host: Host, _: Connection) -> str:
        return {"h0": "fine"}[host.name]

    found = on_each(HOSTS[:3], buggy, open_connection=lambda *_: RecordingConnection(), forks=2)
    assert [outcome.word for outcome in found] == ["ok", "failed", "failed"]
    assert "h1: a bug of fleetbpf: KeyError('h1')" in str(found[1].error)
    first, second = sorted(tmp_path.iterdir())
    assert {str(first), str(second)} == {str(each.error).split()[-1] for each in found[1:]}
    assert "Traceback" in first.read_text()


def test_hosts_with_the_same_bug_share_its_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def buggy(_host: Host, _connection: Connection) -> None:
        raise ZeroDivisionError

    on_each(HOSTS, buggy, open_connection=lambda *_: RecordingConnection(), forks=2)
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("end", [SystemExit, BrokenPipeError])
def test_what_ends_the_process_is_no_error_of_a_host(end: type[BaseException]) -> None:
    def ending(_host: Host, _connection: Connection) -> None:
        raise end

    with pytest.raises(end):
        on_each(HOSTS[:1], ending, open_connection=lambda *_: RecordingConnection(), forks=1)


def test_an_interrupt_keeps_what_is_done_and_names_what_is_not() -> None:
    def interrupt(_: Outcome[str]) -> None:
        raise KeyboardInterrupt

    outcomes = on_each(HOSTS, work, open_connection=open_recording, forks=1, done=interrupt)
    words = [found.word for found in outcomes]
    assert words[0] == "ok"
    assert words[-1] == "interrupted"
    assert "run the same command again" in str(outcomes[-1].error)
