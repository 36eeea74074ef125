"""`fleetbpf plan` and `apply PLANFILE` as they are typed, over a real sshd; nothing is changed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import documents
from tests.integration import sshd
from tests.tools import need, need_root

SOURCE = """\
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "own.h"

char LICENSE[] SEC("license") = "GPL";

SEC("tracepoint/syscalls/sys_enter_swapon")
int say(void *ctx)
{
	bpf_printk(TEXT);
	return 0;
}
"""
MANIFEST = """\
name: never-applied
programs:
  say: {source: say.bpf.c}
  nope: {source: say.bpf.c, hooks: {say: kprobe/no_such_function}}
plays:
  - hosts: web
    programs: [say]
  - hosts: web1
    programs: [nope]
"""
INVENTORY = """\
web:
  hosts:
    web[1:3]: {{}}
    gone: {{ansible_port: 1}}
  vars:
    ansible_host: 127.0.0.1
    ansible_port: {port}
    ansible_user: root
    ansible_ssh_private_key_file: {identity}
    fleetbpf_known_hosts_file: {known_hosts}
"""
OBSTACLE = "cannot attach say on kprobe/no_such_function: no function no_such_function there"
SUMMARY = "3 to create, 0 to update, 0 to delete, 0 unchanged, 1 impossible, 1 host not planned"


@pytest.fixture
def folder(server: sshd.Server, tmp_path: Path) -> Path:
    """An operator's folder with three hosts, which are this machine, and one that is not there."""
    need("clang", "bpftool", "cc")
    need_root()
    (tmp_path / "say.bpf.c").write_text(SOURCE)
    (tmp_path / "own.h").write_text('#define TEXT "swap"\n')
    (tmp_path / "m.yml").write_text(MANIFEST)
    places = {"identity": server.identity, "known_hosts": server.known_hosts}
    (tmp_path / "hosts.yml").write_text(INVENTORY.format(port=server.port, **places))
    return tmp_path


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is built once for all tests here."""
    return tmp_path_factory.mktemp("cache")


def fleetbpf(folder: Path, cache: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "fleetbpf", *words, "--forks", "2"],
        cwd=folder,
        env={**os.environ, "XDG_CACHE_HOME": str(cache)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_a_plan_has_a_row_for_hosts_alike_for_what_cannot_be_and_for_who_is_not_there(
    folder: Path, cache: Path
) -> None:
    said = fleetbpf(folder, cache, "plan", "m.yml", "-i", "hosts.yml")
    assert said.stdout.splitlines() == [
        "+ say: create on web[1:3]",
        "    not there yet",
        "! nope: create on web1",
        "    not there yet",
        f"    not possible: {OBSTACLE}",
        "    hint: name another hook; first_of, optional and unless let hosts differ",
        "? gone: not planned: 127.0.0.1:1: connection refused",
        "    hint: is sshd running there, and are fleetbpf_host and fleetbpf_port right?",
        f"Plan: {SUMMARY}",
    ]
    assert said.returncode == 1


def test_changes_are_exit_code_3_when_asked_for_and_errors_come_first(
    folder: Path, cache: Path
) -> None:
    plan = ("plan", "m.yml", "-i", "hosts.yml", "--detailed-exitcode", "--json")
    changes = fleetbpf(folder, cache, *plan, "--limit", "web2,web3")
    lost = fleetbpf(folder, cache, *plan, "--limit", "web2,gone")
    assert (changes.returncode, lost.returncode) == (3, 4)
    document = documents.read(changes.stdout)
    assert document["summary"] == {
        "create": 2,
        "update": 0,
        "delete": 0,
        "none": 0,
        "impossible": 0,
    }
    (change,) = documents.hosts(changes.stdout)["web2"]["changes"]
    assert (change["action"], change["cause"], change["was"]) == ("create", "absent", "")
    (error,) = documents.read(lost.stdout)["problems"]
    assert error["what"] == "127.0.0.1:1: connection refused"


def test_a_diff_shows_the_arguments_of_what_is_created(folder: Path, cache: Path) -> None:
    said = fleetbpf(folder, cache, "plan", "m.yml", "-i", "hosts.yml", "--limit", "web2", "--diff")
    assert "    +++ say/args (declared)\n" in said.stdout
    assert "    +--spool-limit 268435456\n" in said.stdout


def test_a_saved_plan_is_refused_when_what_it_rests_on_moved(
    folder: Path, cache: Path, server: sshd.Server
) -> None:
    where = ("-i", "hosts.yml", "--limit", "web2")
    assert fleetbpf(folder, cache, "plan", "m.yml", *where, "--out", "p").returncode == 0
    (folder / "own.h").write_text('#define TEXT "swaps"\n')
    inventory = (folder / "hosts.yml").read_text()
    (folder / "hosts.yml").write_text(inventory.replace("ansible_user: root", "ansible_user: ann"))
    before = server.log().count("Connection from")
    said = fleetbpf(folder, cache, "apply", "p")
    assert said.returncode == 2
    assert [line for line in said.stderr.splitlines() if "hint" not in line] == [
        "p: `host web2 in the inventory` changed since the plan was made",
        f"p: `say ({os.uname().machine}): header own.h` changed since the plan was made",
    ]
    assert server.log().count("Connection from") == before
