"""A name that another inventory has: the error says which, and runs and decrypts nothing for it."""

from argparse import Namespace
from pathlib import Path

import pytest

from fleetbpf.cli.lab import hint_of
from fleetbpf.errors import InputError
from fleetbpf.inventory import inventory, other_inventories, patterns
from fleetbpf.model.settings import Settings

LAB = "micro:\n  hosts: {edge1: }\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with an inventory of the operator's own beside the lab's."""
    monkeypatch.chdir(tmp_path)
    found = Path("inventories")
    found.mkdir()
    (found / "hosts.yml").write_text("web: {hosts: {web1: }}\n")
    (found / "lab.yml").write_text(LAB)
    return found


def hint(name: str, *used: str) -> str:
    with pytest.raises(InputError) as caught:
        patterns.select(name, inventory.read(*(used or ("inventories/hosts.yml",))))
    return caught.value.problems[0].hint


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("name", ["micro", "edge1"])
def test_a_group_or_host_of_another_inventory_is_told_with_its_option(name: str) -> None:
    assert hint(name) == "another inventory has it: -i inventories/lab.yml"


@pytest.mark.usefixtures("folder")
def test_the_labs_inventory_is_found_from_anywhere() -> None:
    Path("mine.ini").write_text("[web]\nweb1\n")
    assert hint("micro", "mine.ini") == "another inventory has it: -i inventories/lab.yml"
    assert hint("micro", "web1,") == "another inventory has it: -i inventories/lab.yml"


@pytest.mark.usefixtures("folder")
def test_a_name_that_none_has_keeps_its_hint() -> None:
    assert hint("wep") == "did you mean `web`?"


def test_every_inventory_that_has_it_is_told(folder: Path) -> None:
    (folder / "old").write_text("[micro]\nedge7\n")
    assert hint("micro").endswith(": -i inventories/lab.yml, -i inventories/old")


def test_no_script_is_run_for_a_hint(folder: Path) -> None:
    script = folder / "cloud"
    script.write_text('#!/bin/sh\ntouch ran\necho \'{"prod": {"hosts": ["web9"]}}\'\n')
    script.chmod(0o755)
    assert "cloud" not in hint("prod")
    assert not Path("ran").exists()


def test_what_is_no_inventory_has_nothing(folder: Path) -> None:
    (folder / "notes.yml").write_text("prod: [web1, web2]\n")
    (folder / "broken.yml").write_text("prod: {hosts: {web1: \n")
    (folder / "sealed.yml").write_text("$ANSIBLE_VAULT;1.1;AES256\n6162\n")
    (folder / "picture.yml").write_bytes(b"\xff\xfe prod")
    (folder / "nowhere.yml").symlink_to("gone")
    assert "another inventory" not in hint("prod")


@pytest.mark.usefixtures("folder")
def test_lab_up_says_how_to_name_its_inventory_where_another_comes_first() -> None:
    lab = Path("inventories/lab.yml")
    own = Namespace(settings=Settings())
    assert hint_of(lab, own) == (
        ", which commands take by -i inventories/lab.yml: inventories/hosts.yml comes before it"
    )
    Path("inventories/hosts.yml").unlink()
    assert hint_of(lab, own) == ""
    said = Namespace(settings=Settings(inventory=("prod/",)))
    assert "-i inventories/lab.yml: prod/ comes before it" in hint_of(lab, said)


def test_only_some_files_of_a_large_folder_are_read(folder: Path) -> None:
    for number in range(100):
        (folder / f"{number:03}.yml").write_text(LAB)
    assert len(list(other_inventories.others(["inventories/hosts.yml"]))) == other_inventories.MOST
