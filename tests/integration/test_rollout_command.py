"""Rollouts as they are typed, over a real sshd; each ends at its canary: nothing is changed."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import documents
from tests.integration import sshd
from tests.tools import need, need_root

SOURCE = """\
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
SEC("tracepoint/syscalls/sys_enter_swapon")
int say(void *ctx)
{
	bpf_printk("swap");
	return 0;
}
"""
MANIFEST = """\
name: never-applied
programs:
  say: {source: say.bpf.c, requires: {kernel: ">=99.0"}}
plays:
  - {hosts: "all:!gone", programs: [say], serial: [1, 100%]}
"""
INVENTORY = """\
all:
  hosts:
    gone: {{ansible_port: 1}}
    web[1:3]: {{}}
  vars:
    ansible_host: 127.0.0.1
    ansible_port: {port}
    ansible_user: root
    ansible_ssh_private_key_file: {identity}
    fleetbpf_known_hosts_file: {known_hosts}
"""


@pytest.fixture(scope="module")
def folder(server: sshd.Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An operator's folder with three hosts, which are this machine, and one that is not there."""
    need("clang", "bpftool", "cc")
    need_root()
    folder = tmp_path_factory.mktemp("operator")
    (folder / "say.bpf.c").write_text(SOURCE)
    (folder / "m.yml").write_text(MANIFEST)
    (folder / "gone.yml").write_text(MANIFEST.replace("all:!gone", "all"))
    places = {"identity": server.identity, "known_hosts": server.known_hosts}
    (folder / "hosts.yml").write_text(INVENTORY.format(port=server.port, **places))
    return folder


def fleetbpf(folder: Path, *words: str) -> tuple[dict[str, Any], str]:
    """What the command says: its document, and its progress."""
    done = subprocess.run(
        [sys.executable, "-m", "fleetbpf", *words, "-i", "hosts.yml", "--json"],
        cwd=folder,
        env={**os.environ, "XDG_CACHE_HOME": str(folder / "cache")},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    document = documents.read(done.stdout)
    assert document["exit_code"] == done.returncode
    return document, done.stderr


def skipped(document: dict[str, Any]) -> list[str]:
    return [row["host"] for row in document["hosts"] if row["skipped"]]


def test_nothing_follows_a_canary_that_failed(folder: Path) -> None:
    said, progress = fleetbpf(folder, "apply", "m.yml")
    assert (said["exit_code"], skipped(said)) == (1, ["web2", "web3"])
    assert "batch 1 of 2: web1" in progress
    assert "m.yml:5:5: the rollout stops here: 1 of 1 host failed (web1)" in progress
    assert said["stopped"]["hint"].endswith("--start-at web2 goes on where it stopped")


def test_a_canary_that_is_not_there_is_one_that_failed(folder: Path) -> None:
    said, _ = fleetbpf(folder, "apply", "gone.yml")
    (gone,) = [row for row in said["hosts"] if row["host"] == "gone"]
    assert gone["unreachable"] == 1
    assert (said["exit_code"], skipped(said)) == (1, ["web1", "web2", "web3"])


def test_a_rollout_goes_on_at_a_host(folder: Path) -> None:
    said, progress = fleetbpf(folder, "apply", "m.yml", "--start-at", "web2")
    assert [row["host"] for row in said["hosts"]] == ["web2", "web3"]
    assert "batch 1 of 2: web2" in progress


def test_a_host_to_start_at_that_is_none_of_them_is_bad_input(folder: Path) -> None:
    said, _ = fleetbpf(folder, "apply", "m.yml", "--start-at", "web22")
    assert said["exit_code"] == 2


def test_a_rollback_of_what_is_not_there_is_an_error(folder: Path) -> None:
    said, _ = fleetbpf(folder, "rollback", "m.yml", "--limit", "web1")
    assert (said["exit_code"], said["hosts"][0]["changed"]) == (1, 0)
    assert said["problems"][0]["what"].startswith("there is nothing to roll back: nothing of `")
    said, _ = fleetbpf(folder, "rollback", "m.yml", "--limit", "web1", "--to", "0123456789ab")
    assert said["problems"][0]["what"] == "it has no release 0123456789ab"
    said, _ = fleetbpf(folder, "rollback", "m.yml", "--program", "sya")
    assert said["exit_code"] == 2


def test_a_history_of_a_host_where_nothing_was_done_is_empty(folder: Path) -> None:
    said, _ = fleetbpf(folder, "history", "web1", "m.yml")
    assert (said["exit_code"], said["hosts"][0]["history"]) == (0, [])
