"""Commands on this machine."""

import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from fleetbpf.errors import HostError, UnreachableError
from fleetbpf.execution.command import Command
from fleetbpf.execution.local import LocalConnection
from tests.waiting import wait_until

TEN_MEBIBYTES = 10 * 1024 * 1024


def alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def here() -> LocalConnection:
    return LocalConnection("build machine")


def test_a_status_and_both_outputs_come_back(here: LocalConnection) -> None:
    done = here.run(Command("sh", "-c", "cat; echo err >&2; exit 7"), stdin=b"in")

    assert (done.status, done.stdout, done.stderr) == (7, b"in", b"err\n")


def test_an_end_by_signal_is_128_and_its_number(here: LocalConnection) -> None:
    assert here.run(Command("sh", "-c", "kill -15 $$")).status == 128 + signal.SIGTERM


@pytest.mark.parametrize("word", ["two words", "$(id)", "line\nbreak", "it's", "", "\udcff"])
def test_every_word_arrives_as_it_was_given(here: LocalConnection, word: str) -> None:
    assert here.run(Command("printf", "%s", word)).stdout == os.fsencode(word)


def test_ten_mebibytes_on_each_stream_at_once_do_not_block(here: LocalConnection) -> None:
    stdin = bytes(range(256)) * (TEN_MEBIBYTES // 256)
    both = f"head -c {TEN_MEBIBYTES} /dev/zero >&2 & cat; wait"

    done = here.run(Command("sh", "-c", both), stdin=stdin)

    assert done.stdout == stdin
    assert len(done.stderr) == TEN_MEBIBYTES


def test_a_command_need_not_read_its_stdin(here: LocalConnection) -> None:
    assert here.run(Command("true"), stdin=bytes(TEN_MEBIBYTES)).status == 0


def test_a_sink_gets_the_output_while_the_command_runs(
    here: LocalConnection, tmp_path: Path
) -> None:
    go_on = tmp_path / "go-on"
    pieces: list[bytes] = []

    def sink(piece: bytes) -> None:
        pieces.append(piece)
        go_on.touch()

    wait_for_file = 'echo first; until [ -e "$1" ]; do sleep 0.1; done; echo last'
    done = here.run(Command("sh", "-c", wait_for_file, "sh", go_on), stdout=sink, timeout=120)

    assert b"".join(pieces) == b"first\nlast\n"
    assert done.stdout == b""


def test_a_command_that_is_not_there_has_status_127(here: LocalConnection) -> None:
    done = here.run(Command("no-such-command"))

    assert done.status == 127
    assert done.stderr == b"no-such-command: No such file or directory\n"


def test_a_file_that_may_not_be_executed_has_status_126(
    here: LocalConnection, tmp_path: Path
) -> None:
    (tmp_path / "text").write_text("no program")

    assert here.run(Command(tmp_path / "text")).status == 126


def test_a_missing_folder_is_not_taken_for_a_missing_command(here: LocalConnection) -> None:
    with pytest.raises(FileNotFoundError):
        here.run(Command("true"), cwd=Path("/no/such/folder"))


def test_folder_and_added_environment_are_those_of_the_command(
    here: LocalConnection, tmp_path: Path
) -> None:
    show = Command("sh", "-c", 'pwd; echo "$COLOUR"; test -n "$PATH"')

    done = here.run(show, cwd=tmp_path, env={"COLOUR": "red"})

    assert done.status == 0
    assert done.stdout.decode() == f"{tmp_path}\nred\n"


def test_a_timeout_kills_all_that_the_command_started(
    here: LocalConnection, tmp_path: Path
) -> None:
    pid = tmp_path / "pid"
    background = Command("sh", "-c", 'sleep 300 & echo $! >"$1"; wait', "sh", pid)

    with pytest.raises(UnreachableError, match=r"build machine: timed out after 1 s running sh"):
        here.run(background, timeout=1)

    wait_until(lambda: not alive(int(pid.read_text())), what="the grandchild is gone")


def test_a_timeout_counts_for_a_command_that_closed_its_output(here: LocalConnection) -> None:
    with pytest.raises(UnreachableError, match="timed out"):
        here.run(Command("sh", "-c", "exec >&- 2>&-; sleep 300"), timeout=0.5)


def test_closing_from_another_thread_cuts_a_running_command(here: LocalConnection) -> None:
    started = threading.Event()
    errors: list[UnreachableError] = []

    def run() -> None:
        try:
            slow = Command("sh", "-c", "echo x; sleep 300")
            here.run(slow, stdout=lambda _: started.set())
        except UnreachableError as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    assert started.wait(60)
    here.close()
    thread.join(60)

    assert "the connection was closed" in str(errors[0])


def test_a_closed_connection_runs_nothing(here: LocalConnection) -> None:
    here.close()

    with pytest.raises(UnreachableError, match="closed"):
        here.run(Command("true"))


def test_a_started_command_outlives_the_connection(here: LocalConnection, tmp_path: Path) -> None:
    log = tmp_path / "log of it"
    with here:
        pid = here.start(Command("sh", "-c", "pwd; exec sleep 300"), log=log, cwd=tmp_path)

    try:
        wait_until(lambda: log.read_text() == f"{tmp_path}\n", what="it writes its log")
        assert alive(pid)
        assert os.getsid(pid) != os.getsid(0)
    finally:
        os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not alive(pid), what="it ends")


def test_starting_what_is_not_there_is_an_error(here: LocalConnection, tmp_path: Path) -> None:
    with pytest.raises(HostError, match="no-such-command: not found"):
        here.start(Command("no-such-command"), log=tmp_path / "log")


def test_starting_without_a_place_for_the_log_is_an_error(here: LocalConnection) -> None:
    with pytest.raises(HostError, match="no such folder: /no/such"):
        here.start(Command("sleep", "1"), log=Path("/no/such/log"))


def test_replacing_hands_the_process_over(here: LocalConnection) -> None:
    python = (
        "from fleetbpf.execution.command import Command\n"
        "from fleetbpf.execution.local import LocalConnection\n"
        "LocalConnection().replace(Command('echo', 'it is $0'))\n"
    )

    assert here.run(Command(sys.executable, "-c", python)).stdout == b"it is $0\n"


def test_replacing_by_what_is_not_there_is_an_error(here: LocalConnection) -> None:
    with pytest.raises(HostError, match="no-such-command: No such file"):
        here.replace(Command("no-such-command"))
