"""Where secrets come from, which one wins, and that none is shown."""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from fleetbpf.cli.output import Output, plain
from fleetbpf.cli.terminal import asking
from fleetbpf.cli.terminal.progress import Lines
from fleetbpf.connections.passwords import Passwords, given
from fleetbpf.errors import InputError
from fleetbpf.inventory import inventory, inventory_listing
from fleetbpf.model.inventory import Host
from fleetbpf.model.settings import Settings
from fleetbpf.secret import Given, SecretKind, Secrets
from tests.tools import need

BECOME, LOGIN = SecretKind.BECOME, SecretKind.LOGIN


def host(variables: str) -> Host:
    return inventory.read_text(f"web1 {variables}", Path("/fleet/hosts")).hosts["web1"]


def become_password(variables: str, others: Mapping[str, str] | None = None) -> str | None:
    """The password for sudo of a host with these variables, in an environment of `others`."""
    found = given(others or {}, lines={}, asked=(), ask=str)
    return Passwords(found).of(host(variables), BECOME)


@pytest.mark.parametrize(
    ("variables", "password"),
    [
        ("ansible_become_password=one", "one"),
        ("ansible_become_pass=two ansible_become_password=one", "two"),
        ("ansible_sudo_pass=three ansible_become_pass=two", "three"),
        ("ansible_su_pass=three ansible_become_pass=two", "two"),
        ("ansible_su_pass=three ansible_become_pass=two ansible_become_method=su", "three"),
        ("fleetbpf_become_password=four ansible_become_pass=two", "four"),
        ("fleetbpf_become_password_command='echo five; echo six' ansible_sudo_pass=x", "five"),
        ("ansible_become_password=12345", "12345"),
        ("ansible_become_password='{{ which }}' which=seven", "seven"),
        ("fleetbpf_become_password_command='echo of-{{ inventory_hostname }}'", "of-web1"),
        ("", None),
    ],
)
def test_a_variable_of_the_host_says_the_password(variables: str, password: str | None) -> None:
    assert become_password(variables) == password


@pytest.mark.parametrize(
    ("environment", "password"),
    [
        ({"FLEETBPF_BECOME_PASSWORD": "one"}, "one"),
        ({"FLEETBPF_PASSWORD": "another"}, None),
    ],
)
def test_the_environment_says_it_for_all_hosts(
    environment: Mapping[str, str], password: str | None
) -> None:
    assert become_password("", environment) == password
    assert become_password("ansible_become_password=own", environment) == "own"


@pytest.mark.parametrize(
    ("variables", "what"),
    [
        ("fleetbpf_become_password_command='echo no >&2; exit 3'", "status 3: no"),
        ("fleetbpf_become_password_command=true", "`true` printed no secret"),
        ("ansible_become_password=1.5", "expected a string, found a fraction"),
        ("ansible_become_password='{{ nobody }}'", "the variable `nobody` is not defined"),
    ],
)
def test_a_secret_that_cannot_be_had_is_told_before_anything_else(
    variables: str, what: str
) -> None:
    with pytest.raises(InputError) as caught:
        Passwords().check([(host(variables), BECOME)])

    (problem,) = caught.value.problems
    assert problem.where == "web1"
    assert problem.what.startswith("no become password: ")
    assert what in problem.what


def test_a_setting_names_a_command_for_all_hosts() -> None:
    settings = Settings(become_password_command="echo two")
    options = argparse.Namespace(
        ask_pass=False, ask_become_pass=False, settings=settings, secrets=Secrets()
    )

    assert asking.passwords(options, Lines(Output())).of(host(""), BECOME) == "two"


def test_a_command_runs_once_for_all_hosts(tmp_path: Path) -> None:
    counted = tmp_path / "count"
    found = given({}, lines={BECOME: f"echo x >>{counted}; echo secret"}, asked=(), ask=str)
    passwords = Passwords(found)

    hosts = [Host(name=name, address=name) for name in ("web1", "web2")]

    assert [passwords.of(each, BECOME) for each in hosts] == ["secret", "secret"]
    assert counted.read_text() == "x\n"


def test_a_person_is_asked_once_and_nothing_means_the_ssh_password() -> None:
    answers = {"SSH password: ": "one", "become password [the SSH password]: ": ""}

    found = given({}, lines={}, asked=(LOGIN, BECOME), ask=answers.pop)

    passwords = Passwords(found)
    assert [passwords.of(host(""), kind) for kind in (LOGIN, BECOME)] == ["one", "one"]
    assert answers == {}


def test_an_inventory_is_shown_without_its_secrets() -> None:
    text = (
        "web1 ansible_become_password=hunter2 ansible_password=5551234\n"
        "[web]\nweb1\n[web:vars]\nansible_ssh_pass=swordfish\n"
    )
    found = inventory.read_text(text, Path("/fleet/hosts"))

    shown = [
        json.dumps(inventory_listing.document(found, ["web1"])),
        *inventory_listing.graph(found, "all", variables=True),
        repr(found),
        str(dict(found.hosts["web1"].variables)),
    ]

    assert not [line for line in shown for each in ("hunter2", "5551", "swordfish") if each in line]
    assert '"ansible_become_password": "***"' in shown[0]


def test_secrets_are_masked_wherever_they_are_shown() -> None:
    found = Secrets()
    passwords = Passwords({BECOME: Given("hunter2"), LOGIN: Given("x")}, found=found)
    for kind in SecretKind:
        passwords.of(host(""), kind)

    assert found.mask("x: hunter2, and hunter22") == "x: ***, and ***2"
    assert f"{Given('hunter2')} {Given('hunter2')!r} {plain(Given('hunter2'))}" == "*** *** ***"


KEYRING = """
from keyring.backend import KeyringBackend

class Keyring(KeyringBackend):
    priority = 1

    def get_password(self, service, username):
        return f"{username} of {service}"

    def set_password(self, service, username, password):
        raise NotImplementedError
"""


def test_a_keyring_is_read_by_its_own_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    need("keyring")
    (tmp_path / "test_keyring.py").write_text(KEYRING)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "test_keyring.Keyring")

    found = become_password("fleetbpf_become_password_command='keyring get fleet sudo'")

    assert found == "sudo of fleet"
