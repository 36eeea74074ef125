"""`fleetbpf facts` and `unlock`, as a user types them, on this machine as a host."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import documents

FLEETBPF = (sys.executable, "-m", "fleetbpf")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An operator's folder whose one host is this machine."""
    (tmp_path / "inventories").mkdir()
    (tmp_path / "inventories" / "hosts.yml").write_text(
        "web: {hosts: {here: {fleetbpf_connection: local, fleetbpf_become: false}}}\n"
    )
    (tmp_path / "m.yml").write_text(
        "name: m\nprograms: {p: {source: gone.bpf.c}}\nplays: [{hosts: web, programs: [p]}]\n"
    )
    return tmp_path


def fleetbpf(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*FLEETBPF, *words], cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )


@pytest.mark.parametrize("hosts", [(), ("web",), ("here",), ("m.yml",)])
def test_hosts_are_all_a_pattern_or_those_of_a_manifest(
    folder: Path, hosts: tuple[str, ...]
) -> None:
    said = fleetbpf(folder, "facts", *hosts, "--filter", "kernel")
    assert (said.returncode, said.stdout) == (0, f"here\n  kernel  {os.uname().release}\n")


def test_facts_as_json_are_values(folder: Path) -> None:
    said = fleetbpf(folder, "facts", "--json", "--filter", "cpus*", "--filter", "hooks")
    found = documents.hosts(said.stdout)["here"]["facts"]
    assert set(found) == {"cpus_online", "cpus_possible", "hooks"}
    assert found["cpus_online"] == os.sysconf("SC_NPROCESSORS_ONLN")


def test_a_limit_that_leaves_no_host_is_wrong(folder: Path) -> None:
    said = fleetbpf(folder, "facts", "all", "--limit", "all:!here")
    assert (said.returncode, said.stdout) == (2, "")
    assert "--limit: the host pattern `all:!here` matches no host" in said.stderr
