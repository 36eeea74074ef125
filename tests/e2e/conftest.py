"""The lab that all end-to-end tests share: both kinds of host, four kernel series."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.fleet import Fleet
from tests.e2e.guard import Guard, guarded
from tests.tools import need

HOSTS = ("web1=debian:6.1", "edge1=micro:5.10", "edge2=micro:6.12", "edge3=micro:7.3")
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="session")
def guard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guard]:
    """What ends all hosts of all labs, however the tests end."""
    with guarded(tmp_path_factory.mktemp("guard") / "said.txt") as guard:
        yield guard


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory, guard: Guard) -> Fleet:
    """Running hosts, and a folder as their operator has it; ended when all tests are done."""
    need("qemu-system-x86_64", "clang", "bpftool")
    folder = tmp_path_factory.mktemp("operator")
    shutil.copytree(EXAMPLES, folder / "examples")
    names = tuple(host.partition("=")[0] for host in HOSTS)
    fleet = Fleet(folder=folder, hosts=names, guard=guard)
    said = fleet.fleetbpf("lab", "up", *(f"--host={host}" for host in HOSTS))
    assert said.returncode == 0, said.stderr
    return fleet
