"""Values and files that ansible-vault encrypted."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from fleetbpf.errors import InputError
from fleetbpf.inventory import inventory, inventory_listing
from tests.tools import need

BESIDE_PYTHON = f"{Path(sys.executable).parent}:{os.environ['PATH']}"


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """A folder with a password; ansible-vault on the PATH knows where it is."""
    monkeypatch.setenv("PATH", BESIDE_PYTHON)
    need("ansible-vault")
    monkeypatch.chdir(tmp_path)
    Path("password").write_text("secret\n")
    Path("ansible.cfg").touch()
    for name, file in (("VAULT_PASSWORD_FILE", "password"), ("CONFIG", "ansible.cfg")):
        monkeypatch.setenv(f"ANSIBLE_{name}", str(tmp_path / file))
    return os.environ


def encrypted(text: str) -> str:
    done = subprocess.run(
        ["ansible-vault", "encrypt", "--output", "-"],
        input=text,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


def indented(text: str) -> str:
    return "".join(f"        {line}\n" for line in text.splitlines())


@pytest.mark.usefixtures("vault")
def test_an_encrypted_file_of_variables_is_read() -> None:
    Path("hosts").write_text("x\n")
    Path("group_vars").mkdir()
    Path("group_vars/all.yml").write_text(encrypted("ansible_port: 2222\nname: '{{ 1 + 1 }}'\n"))

    host = inventory.read("hosts").hosts["x"]
    assert (host.port, host.variables["name"]) == (2222, "{{ 1 + 1 }}")


@pytest.mark.usefixtures("vault")
def test_an_encrypted_value_is_decrypted_where_a_setting_or_a_template_needs_it() -> None:
    address = indented(encrypted("10.9.8.7"))
    Path("hosts.yml").write_text(
        f"all:\n  hosts:\n    x:\n      at: !vault |\n{address}"
        '      ansible_host: "{{ at }}"\n      ansible_user: "u-{{ at }}"\n'
    )

    host = inventory.read("hosts.yml").hosts["x"]
    assert (host.address, host.user) == ("10.9.8.7", "u-10.9.8.7")


@pytest.mark.usefixtures("vault")
def test_a_value_that_nobody_needs_is_neither_decrypted_nor_shown() -> None:
    Path("password").unlink()
    Path("hosts.yml").write_text(
        'all: {hosts: {x: {v: !vault "$ANSIBLE_VAULT;1.1;AES256\\n3132\\n"}}}\n'
    )

    fleet = inventory.read("hosts.yml")
    assert inventory_listing.printable(fleet.hosts["x"].variables) == {
        "v": {"__ansible_vault": "$ANSIBLE_VAULT;1.1;AES256\n3132\n"}
    }


@pytest.mark.usefixtures("vault")
def test_a_wrong_password_is_told_at_the_place_of_the_value() -> None:
    Path("hosts.yml").write_text(
        f"all:\n  hosts:\n    x:\n      fleetbpf_user: !vault |\n{indented(encrypted('u'))}"
    )
    Path("password").write_text("another\n")

    with pytest.raises(InputError, match="ansible-vault does not decrypt it") as caught:
        inventory.read("hosts.yml")
    assert caught.value.problems[0].where == "hosts.yml:4:22"
    assert "ANSIBLE_VAULT_PASSWORD_FILE" in caught.value.problems[0].hint


def test_without_ansible_vault_an_encrypted_file_is_refused_at_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    path = tmp_path / "hosts.yml"
    path.write_text("$ANSIBLE_VAULT;1.1;AES256\n3132\n")

    with pytest.raises(InputError, match="ansible-vault, which decrypts it, is not") as caught:
        inventory.read(path)
    assert caught.value.problems[0].where == f"{path}:1:1"
