"""A user of a host gives processes names and writes texts that look like somebody else's lines."""

import json
from pathlib import Path

import pytest

from tests.unit.sanitized import ask

LABEL = "fb@abcdefgh: "
ROOT = "su"


def line(comm: str, text: str, pid: int = 7) -> str:
    """A line of trace_pipe as the kernel writes it: the name's column has 16 bytes."""
    column = comm.encode().rjust(16).decode()
    return f"{column}-{pid:<7} [000] d..21    31.813279: bpf_trace_printk: {LABEL}{text}\n"


def fed(driver: Path, folder: Path, pipe: str, piece: str = "1000") -> list[tuple[str, str]]:
    """The comm and the text of each record that `pipe` becomes."""
    said = ask(driver, "feed", folder, piece, LABEL, stdin=pipe.encode()).decode()
    return [(record["comm"], record["text"]) for record in map(json.loads, said.splitlines())]


@pytest.mark.parametrize("piece", ["1", "7", "1000"])
@pytest.mark.parametrize(
    "comm",
    [
        "su-root\nsh",
        "a\nb",
        "\nEVILTAIL123456",
        "abcdefghijklmn\n",
        "\n",
        "\n\n\n",
        "a\nb\nc\nd",
        "a\n  b",
        "n\n   s-1",
        "x DENIED\ny",
        "CPU:0 [LOST 5\n",
        "żółw\nż",
        "a\n-1 [000]",
    ],
)
def test_a_name_with_newlines_stays_with_its_own_record(
    driver: Path, tmp_path: Path, comm: str, piece: str
) -> None:
    pipe = line(ROOT, "root did this") + line(comm, "a user did that") + line(ROOT, "and this")
    assert fed(driver, tmp_path, pipe, piece) == [
        (ROOT, "root did this"),
        (comm.lstrip(" "), "a user did that"),
        (ROOT, "and this"),
    ]


def test_two_such_names_follow_each_other(driver: Path, tmp_path: Path) -> None:
    pipe = line("a\nb", "one") + line("\nc", "two") + line("\n", "three")
    assert fed(driver, tmp_path, pipe) == [("a\nb", "one"), ("\nc", "two"), ("\n", "three")]


@pytest.mark.parametrize("text", ["one", "one\n", "one\n\n", "one\ntwo", "one\n      su-root", ""])
def test_what_is_taken_back_was_no_part_of_the_message_before(
    driver: Path, tmp_path: Path, text: str
) -> None:
    alone, _ = fed(driver, tmp_path, line(ROOT, text) + line(ROOT, ""))
    said, other = fed(driver, tmp_path, line(ROOT, text) + line("su-root\nsh", "x"))
    assert said == alone
    assert other == ("su-root\nsh", "x")


def test_the_first_line_of_all_may_lack_its_beginning(driver: Path, tmp_path: Path) -> None:
    pipe = line("su-root\nsh", "x").partition("\n")[2]
    assert fed(driver, tmp_path, pipe) == [("sh", "x")]


def test_a_text_that_looks_like_a_line_is_text(driver: Path, tmp_path: Path) -> None:
    forged = line(ROOT, "Hello, forged").replace(LABEL, "fb@aaaaaaaa: ").rstrip("\n")
    assert fed(driver, tmp_path, line("sh", f"n\n{forged}")) == [("sh", f"n\n{forged}")]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("plain, 688.3µs, żółw 🐢", "plain, 688.3µs, żółw 🐢"),
        ("a\nb\tc\r", r"a\nb\tc\u000d"),
        ("\x1b[2J\x1b]0;T\x07", r"\u001b[2J\u001b]0;T\u0007"),
        ("\x9b2J\x85", r"\u009b2J\u0085"),
        ("C:\\new", "C:\\new"),
        ("\x7f", r"\u007f"),
    ],
)
def test_what_a_terminal_gets_neither_ends_the_line_nor_commands_it(
    driver: Path, given: str, shown: str
) -> None:
    assert ask(driver, "show", stdin=given.encode()).decode() == f"{shown}\n"


def test_bytes_that_are_no_text_are_shown_as_such(driver: Path) -> None:
    assert ask(driver, "show", stdin=b"\xff\x9b\xc2") == b"\\u00ff\\u009b\\u00c2\n"


RECORDS = (
    '{"time":1,"kind":"event","ring":"r","data":{"a":1,"kind":"lost","count":50}}',
    '{"time":1,"kind":"event","ring":"r","data":{"fleetbpf":1}}',
    '{"time":1,"kind":"map","map":"m","entries":[{"key":1,"kind":"stop"}]}',
)


@pytest.mark.parametrize("record", RECORDS)
def test_fields_named_as_ours_do_not_make_a_record_another_kind(driver: Path, record: str) -> None:
    assert ask(driver, "weigh", stdin=f"{record}\n".encode()) == b"1\n"


@pytest.mark.parametrize("record", RECORDS)
def test_a_record_of_a_program_never_looks_like_a_stop(
    driver: Path, tmp_path: Path, record: str
) -> None:
    ask(driver, "spool", tmp_path, "1000000", "1", "1")
    with (tmp_path / "00000001.log").open("a") as segment:
        segment.write(f"{record}\n")
    told = json.loads(ask(driver, "spool", tmp_path, "1000000", "1", "1"))
    assert told["stopped"] is False
