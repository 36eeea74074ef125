"""Ansible itself, asked about every inventory in tests/cases/ansible/, answers as fleetbpf does.

A case holds `hosts…`, or what its `sources.txt` names, a line each; a folder `manifest/` stands for
where a manifest lies. `patterns.txt` has host patterns beyond those that every case is asked.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from fleetbpf.inventory import inventory, inventory_listing, patterns
from fleetbpf.model.inventory import Inventory
from tests.tools import absent

CASES = Path(__file__).parent.parent / "cases" / "ansible"
PROGRAM = Path(__file__).parent.parent / "ansible_answers.py"
NAMES = sorted(path.name for path in CASES.iterdir())
GRAPHS = [name for name in NAMES if name != "yaml_encrypted_values"]  # Ansible wants a password
EVERYWHERE = ("all", "*", "ungrouped")  # patterns that every case is asked

Answers = Mapping[str, Mapping[str, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    folder: str
    sources: tuple[str, ...]
    manifest: str
    patterns: tuple[str, ...]


def case(name: str) -> Case:
    folder = CASES / name
    hosts = (path.name for path in folder.glob("hosts*"))
    return Case(
        folder=str(folder),
        sources=lines(folder / "sources.txt") or tuple(hosts),
        manifest="manifest" if (folder / "manifest").is_dir() else "",
        patterns=(*EVERYWHERE, *lines(folder / "patterns.txt")),
    )


def lines(path: Path) -> tuple[str, ...]:
    return tuple(path.read_text().splitlines()) if path.exists() else ()


@pytest.fixture(scope="module")
def ansible(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """Ansible's answers to all cases, without anybody's configuration of it."""
    if find_spec("ansible") is None:
        absent("missing here: ansible-core (./dev setup installs it)")
    home = tmp_path_factory.mktemp("ansible")
    (home / "ansible.cfg").touch()
    environment = {name: os.environ[name] for name in os.environ if "ANSIBLE" not in name}
    done = subprocess.run(
        [sys.executable, PROGRAM],
        input=json.dumps([asked(case(name), home) for name in NAMES]),
        env={**environment, "ANSIBLE_HOME": str(home), "ANSIBLE_CONFIG": f"{home}/ansible.cfg"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return dict(zip(NAMES, json.loads(done.stdout), strict=True))


def asked(asked: Case, home: Path) -> dict[str, object]:
    """A case as Ansible is asked; without a manifest it would look into the current folder."""
    return {**asdict(asked), "manifest": asked.manifest or str(home)}


@pytest.fixture
def fleet(name: str, monkeypatch: pytest.MonkeyPatch) -> Inventory:
    asked = case(name)
    monkeypatch.chdir(asked.folder)
    beside = Path(asked.manifest) if asked.manifest else None
    return inventory.read(*asked.sources, beside=beside)


@pytest.mark.parametrize("name", NAMES)
def test_the_list_is_that_of_ansible(name: str, fleet: Inventory, ansible: Answers) -> None:
    theirs = ansible[name]["list"]
    assert isinstance(theirs, dict), theirs
    del theirs["_meta"]["profile"]

    assert inventory_listing.document(fleet, fleet.hosts) == theirs


@pytest.mark.parametrize("name", GRAPHS)
def test_the_graph_is_that_of_ansible(name: str, fleet: Inventory, ansible: Answers) -> None:
    ours = inventory_listing.graph(fleet, "all", variables=True)

    assert "\n".join(ours) == ansible[name]["graph"]


@pytest.mark.parametrize("name", NAMES)
def test_patterns_choose_the_hosts_that_ansible_chooses(
    name: str, fleet: Inventory, ansible: Answers
) -> None:
    theirs = ansible[name]["patterns"]
    assert isinstance(theirs, dict), theirs

    ours = {each: [host.name for host in patterns.select(each, fleet)] for each in theirs}

    assert ours == theirs
