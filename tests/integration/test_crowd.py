"""A first deploy on many hosts of which some are dead and some hang: it ends, and names them."""

import importlib.util
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.crowd import ROOT, Kind, crowd, serving
from tests.memory import high_water
from tests.tools import absent, need

pytestmark = pytest.mark.ssh
SIZE = 150
MEMORY = 150  # MB; it is 75 here, and 120 for 2,000 hosts
LOOK_EVERY = 0.05  # seconds
TO_CONNECT, IN_ALL = 40, 50  # seconds; a host that is well needs one, on a busy machine more
MANIFEST = f"""
name: crowd
programs:
  victims: {{source: {ROOT / "bench" / "ssh.bpf.c"}}}
plays: [{{hosts: all, programs: [victims]}}]
"""
REASONS = {
    Kind.REFUSES: "connection refused",
    Kind.DEAF: f"timed out after {TO_CONNECT} s while connecting",
    Kind.SILENT: "while waiting for its SSH banner",
    Kind.STUCK: f"not finished after {IN_ALL} s",
}


def test_a_crowd_with_dead_and_hanging_hosts_is_served_and_each_of_these_is_named(
    tmp_path: Path,
) -> None:
    need("clang", "bpftool")
    if importlib.util.find_spec("asyncssh") is None:
        absent("asyncssh is not installed here")
    hosts = crowd(SIZE)
    (tmp_path / "crowd.yml").write_text(MANIFEST)

    with serving(tmp_path, hosts):
        status, output, memory = apply(tmp_path)

    recap = {line.split()[0]: line for line in output.splitlines() if "unreachable=" in line}
    for host in hosts:
        if host.kind is Kind.WELL:
            assert "changed=1" in recap[host.name]
        else:
            assert "unreachable=1" in recap[host.name]
            said = [line for line in output.splitlines() if line.startswith(f"{host.name}: ")]
            assert any(REASONS[host.kind] in line for line in said)
    assert status == 4
    assert memory < MEMORY


def test_dead_hosts_hold_up_no_live_ones(tmp_path: Path) -> None:
    need("clang", "bpftool")
    if importlib.util.find_spec("asyncssh") is None:
        absent("asyncssh is not installed here")
    hosts = crowd(60, deaf=45)  # the dead ones come first
    (tmp_path / "crowd.yml").write_text(MANIFEST)

    with serving(tmp_path, hosts):
        status, output, memory = apply(tmp_path, "--forks", "5")

    words = [line.partition(": ")[2] for line in output.splitlines() if line.startswith("h000")]
    ends = [word for word in words if word in {"changed", "unreachable"}]
    assert ends[:15] == ["changed"] * 15
    assert status == 4
    assert memory < MEMORY


def test_the_memory_of_a_command_is_its_own(tmp_path: Path) -> None:
    """What wait4(2) tells of a child is at least what its parent had at most, before its exec."""
    ours = bytearray(b"x") * 200_000_000

    status, memory = watched(["sleep", "0.5"], tmp_path)

    assert status == 0
    assert 0 < memory < len(ours) / 1_000_000 / 2


def apply(folder: Path, *more: str) -> tuple[int, str, float]:
    """Apply with short time-outs; the exit code, all that was said, and the most memory in MB."""
    command = [sys.executable, "-m", "fleetbpf", "apply", "crowd.yml", "-i", "inventory.json"]
    command += ["-T", str(TO_CONNECT), "--host-timeout", str(IN_ALL), *more]
    status, memory = watched(command, folder)
    return status, (folder / "said").read_text(), memory


def watched(command: Sequence[str], folder: Path) -> tuple[int, float]:
    """Run a command to its end: its exit code, and the most memory that it took itself, in MB."""
    most = 0.0
    with (
        (folder / "said").open("w") as said,
        subprocess.Popen(command, cwd=folder, stdout=said, stderr=said) as running,
    ):
        while running.poll() is None:
            most = max(most, high_water(running.pid))
            time.sleep(LOOK_EVERY)
    return running.returncode, most
