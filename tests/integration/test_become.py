"""Becoming root over SSH with the real sudo, su and doas, by people of several rights."""

import pytest

from fleetbpf.connections.becoming import BecomingConnection
from fleetbpf.connections.passwords import Passwords
from fleetbpf.connections.routes import Routes
from fleetbpf.connections.settings import Operator
from fleetbpf.errors import HostError, Problem
from fleetbpf.execution.command import Command
from fleetbpf.model.become import BecomeMethod, BecomeWay
from fleetbpf.secret import Given, SecretKind
from tests.integration import sshd
from tests.integration.people import PASSWORD, ROOT_PASSWORD

pytestmark = pytest.mark.ssh
BINARY = bytes(range(256)) * 1000 + b"\n\n"
SUDO, SU, DOAS = BecomeMethod.SUDO, BecomeMethod.SU, BecomeMethod.DOAS


def connection(
    town: sshd.Server, user: str, password: str | None, method: BecomeMethod
) -> BecomingConnection:
    """A connection of one of the people, who knows a password or none."""
    given = {} if password is None else {SecretKind.BECOME: Given(password)}
    nobody = Operator(home=town.folder, environment={}, system=town.folder)
    host = town.host(user=user, become_way=BecomeWay(method=method))
    return Routes(nobody, Passwords(given)).open(host, timeout=60)


@pytest.mark.parametrize(
    ("user", "password", "method"),
    [
        ("alice", PASSWORD, SUDO),
        ("bob", PASSWORD, SUDO),  # NOPASSWD: nobody reads the password that was sent
        ("bob", None, SUDO),
        ("carol", ROOT_PASSWORD, SU),
        ("alice", PASSWORD, DOAS),
        ("bob", PASSWORD, DOAS),  # nopass
        ("bob", None, DOAS),
    ],
)
def test_root_reads_the_payload_whole(
    town: sshd.Server, user: str, password: str | None, method: BecomeMethod
) -> None:
    command = Command("sh", "-c", "id -u; exec cat", become=True)

    with connection(town, user, password, method) as opened:
        completed = [opened.run(command, stdin=BINARY, timeout=60) for _ in range(2)]

    assert [each.stdout for each in completed] == [b"0\n" + BINARY] * 2
    assert [each.status for each in completed] == [0, 0]


def refusal(
    town: sshd.Server, user: str, password: str | None, method: BecomeMethod = SUDO
) -> Problem:
    with connection(town, user, password, method) as opened, pytest.raises(HostError) as caught:
        opened.run(Command("cat", become=True), stdin=BINARY, timeout=60)
    return caught.value.problems[0]


def test_sudo_is_given_a_wrong_password_once(town: sshd.Server) -> None:
    problem = refusal(town, "alice", "wrong")

    assert problem.what == "sudo did not take the password"
    assert "1 incorrect password attempt" in problem.detail
    assert "responsibility" not in problem.detail


def test_who_is_not_in_the_sudoers_is_told_so(town: sshd.Server) -> None:
    assert "allow it in sudoers" in refusal(town, "carol", PASSWORD).hint


def test_a_sudo_that_wants_a_terminal_is_told_so(town: sshd.Server) -> None:
    assert "requiretty" in refusal(town, "dora", PASSWORD).hint


def test_su_that_takes_no_password_says_whose_it_wants(town: sshd.Server) -> None:
    problem = refusal(town, "alice", PASSWORD, SU)

    assert problem.what == "su refused to run a command as root"
    assert "root's password" in problem.hint


def test_doas_that_takes_no_password_is_told(town: sshd.Server) -> None:
    problem = refusal(town, "alice", "wrong", DOAS)

    # doas may ask again before it has said what is wrong.
    assert problem.what.startswith(("doas refused", "doas did not take the password"))
    assert "the user's own password" in problem.hint


def test_whom_doas_allows_nothing_is_told_the_cure(town: sshd.Server) -> None:
    assert "doas.conf" in refusal(town, "carol", PASSWORD, DOAS).hint


def test_a_command_behind_a_terminal_has_its_status_and_no_more_input(town: sshd.Server) -> None:
    command = Command("sh", "-c", "cat >&2; cat; exit 7", become=True)

    with connection(town, "alice", PASSWORD, DOAS) as opened:
        completed = opened.run(command, timeout=60)

    assert (completed.status, completed.stdout) == (7, b"")


def test_a_password_never_stands_in_a_command_line_or_an_environment(town: sshd.Server) -> None:
    listing = "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null; exit 0"

    with connection(town, "alice", PASSWORD, SUDO) as opened:
        seen = opened.run(Command("sh", "-c", listing, become=True), timeout=60).stdout

    assert b"fleetbpf" in seen
    assert PASSWORD.encode() not in seen
