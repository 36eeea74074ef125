"""The live table: bounded in height, narrow where the terminal is, harmless whatever hosts say."""

import io
import threading

import pytest
from rich.console import Console

from fleetbpf.cli.terminal.board import Board
from fleetbpf.cli.terminal.live_table import LiveTable, drawn, duration


def lines(board: Board, *, width: int = 80, height: int = 24) -> list[str]:
    text = drawn(board.view(), now=10.0, seconds=75.0, width=width, height=height)
    return [line.rstrip() for line in text.plain.split("\n")]


def busy(hosts: int) -> Board:
    board = Board()
    board.expect(2000)
    for number in range(hosts):
        board.at(f"web{number}", "facts", now=3.0)
    return board


def test_running_hosts_have_a_row_and_the_rest_are_counts() -> None:
    board = busy(2)
    board.done("web0", "changed", "", now=4.0)
    board.say("web1", "hello: create: not there yet")
    assert lines(board) == [
        "web1  facts        7 s      hello: create: not there yet",
        "1:15: 1 of 2000 done: 1 changed; 1 running, 1998 waiting",
    ]


def test_failures_stay_with_their_reason() -> None:
    board = busy(2)
    board.done("web0", "unreachable", "refused\nmore", now=4.0)
    assert lines(board) == [
        "web0  unreachable           refused",
        "web1  facts        7 s",
        "1:15: 1 of 2000 done: 1 unreachable; 1 running, 1998 waiting",
    ]


@pytest.mark.parametrize("height", [1, 5, 24, 500])
def test_the_table_fits_the_terminal_however_many_hosts_run(height: int) -> None:
    board = busy(500)
    for number in range(100):
        board.done(f"web{number}", "failed", "", now=4.0)
    shown = lines(board, height=height)
    assert len(shown) <= max(height, 3)
    assert len(shown) <= 31
    assert "more), 1500 waiting" in shown[-1]


@pytest.mark.parametrize("width", [1, 10, 20, 39, 40, 80, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    board = Board()
    board.expect(1)
    board.at("東京データセンター1", "starting", now=3.0)
    board.say("東京データセンター1", "更新: " + "新しい" * 40)
    console = Console(width=width, file=io.StringIO())
    text = drawn(board.view(), now=10.0, seconds=1.0, width=width, height=24)
    assert all(line.cell_len < max(width, 2) for line in text.split("\n"))
    console.print(text)


def test_what_hosts_say_cannot_move_the_cursor() -> None:
    board = busy(1)
    board.say("web0", "\x1b[2Jhello\ttabbed\x07")
    assert lines(board)[0] == r"web0  facts        7 s      \x1b[2Jhello tabbed\x07"


def test_a_second_batch_adds_to_the_first() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=60, height=10, no_color=True)
    table = LiveTable(color=False, console=console)
    for batch in (["a"], ["b", "c"]):
        with table.over(len(batch)):
            for host in batch:
                table.at(host, "facts")
                table.done(host, "ok")
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert "3 of 3 done: 3 ok" in said


def test_the_table_leaves_nothing_behind_and_gives_the_cursor_back() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=60, height=10)
    with LiveTable(color=False, console=console).over(1):
        pass
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert said.rindex("\x1b[?25h") > said.rindex("\x1b[?25l")
    assert said.endswith("\x1b[2K")


def test_ctrl_c_at_a_question_finds_the_way_out() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=60, height=10)
    table = LiveTable(color=False, console=console)
    asked, never = threading.Event(), threading.Event()

    def ask() -> None:
        with table.paused():
            asked.set()
            never.wait()

    with table.over(1):
        threading.Thread(target=ask, daemon=True).start()
        assert asked.wait(60)
    never.set()


def test_a_question_has_the_terminal_for_itself() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=60, height=10)
    table = LiveTable(color=False, console=console)
    with table.over(1), table.paused():
        before = console.file.getvalue()  # type: ignore[attr-defined]
        table.at("a", "facts")
        threading.Event().wait(0.5)  # two refreshes, were there any
        assert console.file.getvalue() == before  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.9, "59 s"), (125, "2:05"), (3725, "1:02:05")]
)
def test_times_are_short(seconds: float, text: str) -> None:
    assert duration(seconds) == text
