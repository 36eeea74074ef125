"""What stands against a user namespace, in which an ordinary user builds a debian host's root."""

import pwd

import pytest

from fleetbpf.errors import HostError
from fleetbpf.execution.local import LocalConnection
from fleetbpf.lab import namespaces

ENOUGH = "root:100000:65536\nann:165536:65536\n"


def hints(name: str, uids: str, gids: str) -> list[str]:
    return [problem.hint for problem in namespaces.unmapped(name, uids, gids)]


def test_a_user_with_a_range_in_both_files_is_fine() -> None:
    assert hints("ann", ENOUGH, ENOUGH) == []


def test_empty_files_are_told_with_the_command_that_fills_both() -> None:
    (hint,) = hints("ann", "", "")
    command = "usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ann"
    assert hint.startswith(f"as root: {command}; ")


def test_a_new_range_begins_behind_those_of_others() -> None:
    (hint,) = hints("bob", ENOUGH, ENOUGH)
    assert "--add-subuids 231072-296607 --add-subgids 231072-296607 bob" in hint


def test_only_the_file_that_lacks_the_user_is_told() -> None:
    (problem,) = namespaces.unmapped("ann", ENOUGH, "root:100000:65536\n")
    assert "in /etc/subgid," in problem.what
    assert "--add-subuids" not in problem.hint


@pytest.mark.parametrize("text", ["ann:100000:1000\n", "ann::\nann", "anna:100000:65536\n"])
def test_too_few_ids_and_lines_of_others_do_not_count(text: str) -> None:
    assert len(hints("ann", text, ENOUGH)) == 1


@pytest.mark.parametrize(
    ("name", "value", "cure"),
    [
        ("user.max_user_namespaces", "0", "sysctl -w user.max_user_namespaces=15000"),
        ("kernel.unprivileged_userns_clone", "0", "sysctl -w kernel.unprivileged_userns_clone=1"),
        (
            "kernel.apparmor_restrict_unprivileged_userns",
            "1",
            "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
        ),
    ],
)
def test_a_kernel_that_forbids_namespaces_is_told_with_its_switch(
    name: str, value: str, cure: str
) -> None:
    found = namespaces.forbidden(lambda switch: value if switch.name == name else "")
    (problem,) = found
    assert cure in problem.hint


def test_a_kernel_that_allows_namespaces_has_no_problem() -> None:
    assert list(namespaces.forbidden(lambda switch: switch.allows)) == []


def test_a_user_without_ids_is_refused_by_name() -> None:
    nobody = pwd.getpwnam("nobody").pw_uid
    with LocalConnection() as local, pytest.raises(HostError, match="nobody has no 65536 ids"):
        namespaces.require(local, user=nobody)


def test_root_needs_no_namespace() -> None:
    with LocalConnection() as local:
        namespaces.require(local, user=0)
