"""Commands over a real sshd: words, streams, statuses, and ends before the end."""

import contextlib
import socket
import sys
import threading
from pathlib import Path

import pytest

from fleetbpf.connections.routes import Routes
from fleetbpf.connections.ssh import LONGEST_LINE, SSHConnection
from fleetbpf.connections.transport import QuickSocket
from fleetbpf.errors import UnreachableError
from fleetbpf.execution.command import Command
from tests.integration.conftest import connect
from tests.integration.sshd import Server
from tests.waiting import wait_until

pytestmark = pytest.mark.ssh

# Without exec, it depends on the login shell whether the parent is sshd, or that shell.
CUT = Command("exec", "sh", "-c", "kill -9 $PPID; sleep 30")
TEN_MEBIBYTES = 10 * 1024 * 1024


@pytest.mark.parametrize(
    "word",
    [
        "two words",
        "it's",
        '"double"',
        "$(touch /tmp/nope)",
        "`id`",
        "${HOME} $HOME ~ *",
        "line\nbreak\n",
        "\\ \\n \\\\",
        "-n",
        "",
        "!history #comment; & | < > ( )",
        "tab\tbell\a\x1b[31m",
        "äöü € 🐝",
        "\udcff\udcfe",  # bytes that are not UTF-8, as os.fsdecode gives them
    ],
)
def test_every_word_arrives_as_it_was_given(connection: SSHConnection, word: str) -> None:
    done = connection.run(Command("sh", "-c", 'printf "%s|" "$@"', "sh", word, "end"))

    assert done.stdout == word.encode("utf-8", "surrogateescape") + b"|end|"


def test_a_status_and_both_outputs_come_back(connection: SSHConnection) -> None:
    done = connection.run(Command("sh", "-c", "echo out; echo err >&2; exit 7"))

    assert (done.status, done.stdout, done.stderr) == (7, b"out\n", b"err\n")


def test_an_end_by_signal_is_128_and_its_number(connection: SSHConnection) -> None:
    assert connection.run(Command("sh", "-c", "kill -9 $$")).status == 128 + 9


def test_a_command_that_is_not_there_has_the_shell_status(connection: SSHConnection) -> None:
    assert connection.run(Command("no-such-command")).status == 127


def test_ten_mebibytes_on_each_stream_at_once_do_not_block(connection: SSHConnection) -> None:
    stdin = bytes(range(256)) * (TEN_MEBIBYTES // 256)
    both = f"head -c {TEN_MEBIBYTES} /dev/zero >&2 & cat; wait"

    done = connection.run(Command("sh", "-c", both), stdin=stdin, timeout=300)

    assert done.status == 0
    assert done.stdout == stdin
    assert len(done.stderr) == TEN_MEBIBYTES


def test_a_command_need_not_read_its_stdin(connection: SSHConnection) -> None:
    assert connection.run(Command("true"), stdin=bytes(TEN_MEBIBYTES), timeout=300).status == 0


def test_without_stdin_a_command_reads_the_end(connection: SSHConnection) -> None:
    assert connection.run(Command("cat"), timeout=60).stdout == b""


def test_a_sink_gets_the_output_while_the_command_runs(
    connection: SSHConnection, tmp_path: Path
) -> None:
    go_on = tmp_path / "go-on"
    pieces: list[bytes] = []

    def sink(piece: bytes) -> None:
        pieces.append(piece)
        go_on.touch()  # the command waits for it, so the piece came before the end

    wait_for_file = 'echo first; until [ -e "$1" ]; do sleep 0.1; done; echo last'
    done = connection.run(Command("sh", "-c", wait_for_file, "sh", go_on), stdout=sink, timeout=120)

    assert b"".join(pieces) == b"first\nlast\n"
    assert done.stdout == b""


def test_an_error_of_the_sink_is_not_taken_for_one_of_the_link(connection: SSHConnection) -> None:
    def full(_: bytes) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        connection.run(Command("echo", "x"), stdout=full)

    assert connection.run(Command("true")).status == 0


def test_a_timeout_names_the_command_and_leaves_the_connection_usable(
    connection: SSHConnection,
) -> None:
    with pytest.raises(UnreachableError, match=r"timed out after 0\.5 s while running sleep"):
        connection.run(Command("sleep", "30"), timeout=0.5)

    assert connection.run(Command("echo", "on")).stdout == b"on\n"


def test_a_timeout_says_when_only_the_output_was_kept_open(connection: SSHConnection) -> None:
    background = "sleep 5 & exit 3"

    with pytest.raises(UnreachableError, match="ended with status 3, but what it started"):
        connection.run(Command("sh", "-c", background), timeout=1.5)


def test_a_line_too_long_for_the_host_is_refused_here(connection: SSHConnection) -> None:
    with pytest.raises(ValueError, match="at most"):
        connection.run(Command("echo", "x" * LONGEST_LINE))

    longest = "x" * (LONGEST_LINE - len("echo "))
    assert connection.run(Command("echo", longest)).stdout == f"{longest}\n".encode()


def test_a_link_lost_in_mid_command_is_said_so(server: Server, routes: Routes) -> None:
    with (
        connect(server.host(), routes=routes, timeout=60) as connection,
        pytest.raises(UnreachableError) as caught,
    ):
        connection.run(CUT, timeout=120)

    (problem,) = caught.value.problems
    assert problem.where == "web1"
    assert "connection closed by the host while running exec" in problem.what


def test_after_a_lost_link_every_command_says_so(server: Server, routes: Routes) -> None:
    with connect(server.host(), routes=routes, timeout=60) as connection:
        with contextlib.suppress(UnreachableError):
            connection.run(CUT, timeout=120)

        with pytest.raises(UnreachableError, match="connection closed by the host"):
            connection.run(Command("true"))


def test_closing_from_another_thread_cuts_a_running_command(
    server: Server, routes: Routes, tmp_path: Path
) -> None:
    started = tmp_path / "started"
    errors: list[UnreachableError] = []

    def run(connection: SSHConnection) -> None:
        try:
            connection.run(Command("sh", "-c", 'touch "$1"; sleep 300', "sh", started))
        except UnreachableError as error:
            errors.append(error)

    with connect(server.host(), routes=routes, timeout=60) as connection:
        thread = threading.Thread(target=run, args=(connection,))
        thread.start()
        wait_until(started.exists, what="the command runs")
        connection.close()
        thread.join(60)  # far below the 300 seconds that the command takes

    assert not thread.is_alive()
    assert "connection given up while running sh" in str(errors[0])


def test_closing_twice_is_harmless_and_leaves_no_thread(server: Server, routes: Routes) -> None:
    before = threading.active_count()
    connection = connect(server.host(), routes=routes, timeout=60)

    connection.close()
    connection.close()

    wait_until(lambda: threading.active_count() <= before, what="the transport's thread ended")
    with pytest.raises(UnreachableError, match="connection given up"):
        connection.run(Command("true"))


def test_many_connections_at_once_share_a_routes(server: Server, routes: Routes) -> None:
    statuses: list[int] = []

    def once() -> None:
        with connect(server.host(), routes=routes, timeout=120) as connection:
            statuses.append(connection.run(Command("true")).status)

    threads = [threading.Thread(target=once) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)

    assert statuses == [0] * 20


def test_keys_are_renewed_in_mid_command(server: Server, routes: Routes) -> None:
    with connect(server.host(), routes=routes, timeout=60) as connection:
        renewed = threading.Timer(0.2, connection._transport.renegotiate_keys)
        renewed.start()
        slow = "for i in 1 2 3 4 5 6 7 8; do head -c 100000 /dev/zero; sleep 0.1; done"

        done = connection.run(Command("sh", "-c", slow), timeout=120)
        renewed.join(60)

    assert len(done.stdout) == 800_000


@pytest.mark.skipif(sys.platform != "linux", reason="the options are Linux's")
def test_the_kernel_watches_the_link(connection: SSHConnection) -> None:
    wire = connection._transport._socket
    assert isinstance(wire, QuickSocket)
    option = wire.getsockopt

    assert option(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    assert option(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 15
    assert option(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 45_000
    assert option(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
