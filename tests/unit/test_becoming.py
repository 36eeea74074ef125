"""Becoming root with a password: what is fed to whom, and when."""

import os
from pathlib import Path

import pytest

from fleetbpf.connections import elevation
from fleetbpf.connections.becoming import BecomingConnection
from fleetbpf.errors import HostError, Problem
from fleetbpf.execution.command import Command
from fleetbpf.execution.local import LocalConnection
from fleetbpf.model.become import BecomeMethod, BecomeWay
from fleetbpf.model.inventory import Host

BINARY = bytes(range(256)) * 300 + b"\n\n"  # more than a pipe holds
# Programs that stand for sudo: `ask` is its way to read a password from stdin.
ASKING = """#!/bin/sh
ask() { printf '%s' "$prompt" >&2; IFS= read -r answer; }
while [ "$1" != -- ]; do
	[ "$1" = -p ] && prompt=$2
	shift
done
shift
"""
RIGHT = 'ask\n[ "$answer" = "se cret" ] && exec "$@"\n'
TWICE = f"{RIGHT}echo wrong >&2\n{RIGHT}echo wrong again >&2\nexit 1\n"
NOBODY_ASKS = 'exec "$@"\n'
LECTURE = "echo 'great responsibility' >&2\n"
HANGS = "printf 'Code: ' >&2\nexec sleep 60\n"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    return tmp_path / "sudo"


@pytest.fixture(autouse=True)
def who(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What `id` says on the host: that of somebody who is not root, whoever runs these tests."""
    file = tmp_path / "bin" / "id"
    file.parent.mkdir()
    file.write_text("#!/bin/sh\necho 1000\n")
    file.chmod(0o755)
    monkeypatch.setenv("PATH", str(file.parent), prepend=os.pathsep)
    return file


def raised(
    program: Path, text: str, *, password: str = "se cret", patience: float = 60
) -> BecomingConnection:
    """A connection to this machine, where `program` does what `text` says."""
    program.write_text(ASKING + text)
    program.chmod(0o700)
    host = Host(name="web1", address="web1", become_way=BecomeWay(executable=str(program)))
    here = LocalConnection("web1")
    return BecomingConnection(here, host, password=lambda: password, patience=patience)


def refusal(
    program: Path, text: str, *, password: str = "se cret", patience: float = 60
) -> Problem:
    with (
        raised(program, text, password=password, patience=patience) as connection,
        pytest.raises(HostError) as caught,
    ):
        connection.run(Command("cat", become=True), stdin=BINARY, timeout=300)
    (problem,) = caught.value.problems
    assert problem.where == "web1"
    return problem


@pytest.mark.parametrize("text", [RIGHT, NOBODY_ASKS, f"{LECTURE}{RIGHT}"])
def test_the_payload_arrives_whole_whoever_read_the_password(program: Path, text: str) -> None:
    command = Command("sh", "-c", "cat; echo done >&2; exit 3", become=True)

    with raised(program, text) as connection:
        completed = connection.run(command, stdin=BINARY)

    assert completed.stdout == BINARY
    assert (completed.status, completed.stderr) == (3, b"done\n")


def test_what_is_said_before_the_command_begins_is_not_its_output(program: Path) -> None:
    with raised(program, f"echo welcome\n{RIGHT}") as connection:
        pieces: list[bytes] = []
        connection.run(Command("echo", "hello", become=True), stdout=pieces.append)

    assert b"".join(pieces) == b"hello\n"


def test_a_wrong_password_is_sent_once_and_nothing_behind_it(program: Path) -> None:
    text = 'ask\necho "$answer" >>"$0.log"\n' * 2

    problem = refusal(program, f"{text}exit 1", password="wrong")

    assert program.with_name("sudo.log").read_text() == "wrong\n\n"
    assert problem.what == f"{program} did not take the password"
    assert "the user's own password" in problem.hint


def test_what_is_said_of_a_wrong_password_is_told_without_prompts_and_lectures(
    program: Path,
) -> None:
    assert refusal(program, LECTURE + TWICE, password="wrong").detail == "wrong\nwrong again"


def test_who_may_not_become_root_is_told_the_cure(program: Path) -> None:
    problem = refusal(program, "ask\necho x is not in the sudoers file. >&2\nexit 1\n")

    assert "refused to run a command as root" in problem.what
    assert problem.hint == "allow it in sudoers: `USER ALL=(root) ALL`"


def test_nobody_waits_for_ever_for_a_command_that_does_not_begin(program: Path) -> None:
    problem = refusal(program, HANGS, patience=0.5)

    assert "did not make the user root within 0.5 s" in problem.what
    assert problem.detail == "Code:"


def test_without_a_password_nothing_may_ask(program: Path) -> None:
    program.write_text('#!/bin/sh\necho "$@"\n')
    program.chmod(0o700)
    way = BecomeWay(executable=str(program), flags=("-H",))
    host = Host(name="web1", address="web1", become_way=way)

    with (
        BecomingConnection(LocalConnection(), host, password=lambda: None) as connection,
        pytest.raises(HostError) as caught,
    ):
        connection.run(Command("id", become=True))

    assert caught.value.problems[0].detail.startswith("-H -n -- /bin/sh -c ")


def test_commands_that_need_no_root_run_as_they_are(program: Path) -> None:
    with raised(program, "exit 1") as connection:
        assert connection.run(Command("echo", "hello")).stdout == b"hello\n"


def test_su_runs_the_words_by_a_posix_shell() -> None:
    way = BecomeWay(method=BecomeMethod.SU)

    assert elevation.quietly(way, ("cat", "-c")) == (
        *("su", "-s", "/bin/sh", "-c", 'exec "$@"', "--", "root", "fleetbpf"),
        *("cat", "-c"),
    )


def test_doas_with_a_password_is_not_for_this_machine_itself() -> None:
    host = Host(name="here", address="here", become_way=BecomeWay(method=BecomeMethod.DOAS))

    with (
        BecomingConnection(LocalConnection("here"), host, password=lambda: "x") as connection,
        pytest.raises(HostError, match="doas asks for a password on a terminal"),
    ):
        connection.run(Command("id", become=True))


def test_a_command_for_root_is_not_run_by_whoever_logs_in() -> None:
    with LocalConnection() as plain, pytest.raises(ValueError, match="become root to run id"):
        plain.run(Command("id", become=True))


@pytest.mark.parametrize(
    ("text", "password"),
    [
        pytest.param("echo not allowed >&2\nexit 1\n", None, id="a sudo that refuses root"),
        pytest.param("", None, id="no sudo at all"),
        pytest.param("", "se cret", id="no sudo, and a password"),
    ],
)
def test_who_is_root_already_needs_nothing_to_become_so(
    program: Path, who: Path, text: str, password: str | None
) -> None:
    who.write_text("#!/bin/sh\necho 0\n")
    raised(program, text)
    if not text:
        program.unlink()
    host = Host(name="web1", address="web1", become_way=BecomeWay(executable=str(program)))
    with BecomingConnection(LocalConnection("web1"), host, password=lambda: password) as connection:
        for _ in range(2):
            done = connection.run(Command("cat", become=True), stdin=BINARY, timeout=300)
            assert (done.status, done.stdout) == (0, BINARY)


def test_whose_password_is_refused_is_not_taken_for_root(program: Path, who: Path) -> None:
    who.write_text("#!/bin/sh\necho 0\n")
    assert refusal(program, TWICE, password="no").what.endswith("did not take the password")
