"""A first deploy on many hosts of which some are dead and some hang: it ends, and names them."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.crowd import ROOT, Kind, crowd, serving
from tests.tools import absent, need

pytestmark = pytest.mark.ssh
SIZE = 150
MEMORY = 300  # MB; it is 120 for 2,000 hosts as well
MANIFEST = f"""
name: crowd
programs:
  victims: {{source: {ROOT / "bench" / "ssh.bpf.c"}}}
plays: [{{hosts: all, programs: [victims]}}]
"""
REASONS = {
    Kind.REFUSES: "connection refused",
    Kind.DEAF: "timed out after 20 s while connecting",
    Kind.SILENT: "while waiting for its SSH banner",
    Kind.STUCK: "not finished after 45 s",
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


def apply(folder: Path) -> tuple[int, str, float]:
    """Apply with short time-outs; the exit code, all that was said, and the most memory in MB."""
    command = [sys.executable, "-m", "fleetbpf", "apply", "crowd.yml", "-i", "inventory.json"]
    command += ["-T", "20", "--host-timeout", "45"]
    with (folder / "said").open("w") as said:
        running = subprocess.Popen(command, cwd=folder, stdout=said, stderr=said)
        _, status, used = os.wait4(running.pid, 0)
    running.returncode = os.waitstatus_to_exitcode(status)
    return running.returncode, (folder / "said").read_text(), used.ru_maxrss / 1024
