"""A canary on real hosts: what it spares the others, and the way back."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests import documents
from tests.e2e.fleet import Fleet

pytestmark = pytest.mark.lab

MANIFEST = "examples/rollout.yml"
LOUD = """
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
const volatile __u32 loud;
SEC("raw_tp/sys_enter")
int every_call(void *ctx) { if (loud) bpf_printk("loud"); return 0; }
SEC("raw_tp/sched_process_exec")
int every_exec(void *ctx) { bpf_printk("exec"); return 0; }
"""


@pytest.fixture(scope="module")
def applied(fleet: Fleet) -> Iterator[Fleet]:
    """The fleet with the example on it, and a next release that is bad on edge1 only."""
    (fleet.folder / "loud.bpf.c").write_text(LOUD)
    text = (fleet.folder / MANIFEST).read_text()
    bad = "source: loud.bpf.c\n    constants: {loud: '{{ loud }}'}\n    limits: {rate: 200/s}"
    (fleet.folder / "next.yml").write_text(text.replace("source: hello.bpf.c", bad))
    loud = {host: {"loud": int(host == "edge1")} for host in fleet.hosts}
    (fleet.inventory.parent / "loud.json").write_text(json.dumps({"all": {"hosts": loud}}))
    said = fleet.fleetbpf("apply", MANIFEST)
    assert said.returncode == 0, said.stderr
    yield fleet
    fleet.fleetbpf("destroy", MANIFEST, "--yes")


def apply_next(fleet: Fleet, *words: str) -> dict[str, Any]:
    # The first source says the order: a lab names hosts that it booted again last.
    inventories = ("-i", "inventories/loud.json", "-i", str(fleet.inventory))
    said = fleet.fleetbpf("apply", "next.yml", "--json", *inventories, *words)
    return documents.read(said.stdout)


def running(fleet: Fleet) -> Mapping[str, tuple[str, int]]:
    """Of each host the release that runs, and its process."""
    rows = documents.hosts(fleet.fleetbpf("status", MANIFEST, "--json").stdout)
    found = {host: rows[host]["programs"][0] for host in fleet.hosts}
    assert {row["state"] for row in found.values()} == {"running"}
    return {host: (row["release"], row["pid"]) for host, row in found.items()}


def test_a_failed_batch_spares_the_rest_and_what_was_done_is_put_back(applied: Fleet) -> None:
    before = running(applied)
    said = apply_next(applied)
    after = running(applied)
    assert said["exit_code"] == 1
    # web1, the canary, and edge2 were well and are put back; edge3's turn never came.
    skipped = {row["host"]: row["skipped"] for row in said["hosts"]}
    assert skipped == {"web1": 1, "edge1": 0, "edge2": 1, "edge3": 1}
    assert {row["host"] for row in said["hosts"] if row["rolled_back"]} == {"web1", "edge2"}
    assert {host: release for host, (release, _) in after.items()} == {
        host: release for host, (release, _) in before.items()
    }
    assert after["edge1"] == before["edge1"]  # its old release has not noticed
    assert after["edge3"] == before["edge3"]
    (error,) = said["problems"]
    assert error["host"] == "edge1"
    assert error["what"].startswith("health: ")
    assert "max_lost is 0" in error["what"]
    assert "edge3" in said["stopped"]["hint"]


def test_the_history_tells_what_was_done(applied: Fleet) -> None:
    said = documents.hosts(applied.fleetbpf("history", "web1:edge1", "next.yml", "--json").stdout)
    outcomes = {host: [entry["outcome"] for entry in row["history"]] for host, row in said.items()}
    assert outcomes == {
        "web1": ["ready", "ready", "rolled back"],
        "edge1": ["ready", "failed"],
    }


def test_a_fleet_goes_back_to_the_release_before_once(applied: Fleet) -> None:
    before = running(applied)
    hosts = ("--limit", "edge2")
    assert apply_next(applied, *hosts)["exit_code"] == 0
    assert running(applied)["edge2"][0] != before["edge2"][0]
    (applied.folder / "loud.bpf.c").unlink()  # the sources are not needed
    for changed in (1, 0):
        said = documents.read(applied.fleetbpf("rollback", "next.yml", "--json", *hosts).stdout)
        assert {row["changed"] for row in said["hosts"]} == {changed}
        assert said["exit_code"] == 0
    found = running(applied)
    assert [found[host][0] for host in applied.hosts] == [before[h][0] for h in applied.hosts]
