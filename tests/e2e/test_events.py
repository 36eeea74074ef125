"""Typed events on every kernel: examples/execs.yml, applied to all hosts, sees a known exec."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import documents
from tests.e2e.fleet import Fleet
from tests.waiting import wait_until

pytestmark = pytest.mark.lab

EXAMPLE = Path(__file__).parents[2] / "examples" / "execs.yml"


@pytest.fixture(scope="module")
def watched(fleet: Fleet) -> Iterator[Fleet]:
    """The fleet with the example on every host."""
    shutil.copy(EXAMPLE, fleet.folder)
    said = fleet.fleetbpf("apply", "execs.yml")
    assert said.returncode == 0, said.stderr
    yield fleet
    fleet.fleetbpf("destroy", "execs.yml", "--yes")


def execs(fleet: Fleet, host: str) -> list[dict[str, Any]]:
    said = fleet.fleetbpf("logs", host, "--program", "execs", "--json")
    records = documents.records(said.stdout)
    return [record["data"] for record in records if record["kind"] == "event"]


@pytest.mark.parametrize("host", ["web1", "edge1", "edge2", "edge3"])
def test_an_exec_becomes_an_event_on_the_kernel_of(watched: Fleet, host: str) -> None:
    # A copy by another name, so that no other exec looks like it; busybox goes by its name too.
    watched.root(host, "mkdir -p /tmp/of && cp /bin/sh /tmp/of/sh && /tmp/of/sh -c :")

    def seen() -> bool:
        return any(event["filename"] == "/tmp/of/sh" for event in execs(watched, host))

    wait_until(seen, seconds=120, what=f"{host} tells the exec")
    event = next(event for event in execs(watched, host) if event["filename"] == "/tmp/of/sh")
    assert (event["uid"], event["comm"]) == (0, "sh")
    assert event["pid"] > 1


@pytest.mark.parametrize("host", ["web1", "edge1", "edge2", "edge3"])
def test_what_a_killed_loader_had_not_read_is_told_once_on_the_kernel_of(
    watched: Fleet, host: str
) -> None:
    wait_until(lambda: bool(execs(watched, host)), what=f"{host} tells its first exec")
    said = watched.root(
        host,
        "mkdir -p /tmp/of && cp /bin/true /tmp/of/true || exit 1\n"
        "pid=$(sed 's/.*\"pid\":\\([0-9]*\\).*/\\1/' /run/fleetbpf/execs/execs/*/state)\n"
        "kill -STOP $pid; for i in 1 2 3; do /tmp/of/true; done; kill -KILL $pid && echo done",
    )
    assert said == "done\n"

    def told() -> int:
        return sum(event["filename"] == "/tmp/of/true" for event in execs(watched, host))

    wait_until(lambda: told() >= 3, seconds=120, what=f"the next loader of {host} tells them")
    assert told() == 3
    said = watched.fleetbpf("status", "execs.yml", "--limit", host, "--json").stdout
    (program,) = documents.hosts(said)[host]["programs"]
    assert all("the kernel skipped" in warning for warning in program["warnings"])
    assert program["tally"]["killed"] == 1


def test_what_was_fired_is_what_was_written_and_what_was_lost(watched: Fleet) -> None:
    def tallies() -> list[dict[str, Any]]:
        watched.fleetbpf("logs", "all", "--program", "execs")
        said = watched.fleetbpf("status", "execs.yml", "--json")
        hosts = documents.hosts(said.stdout)
        return [program["tally"] for host in hosts.values() for program in host["programs"]]

    # The loaders count once a second; a quiet moment of all hosts is not long in coming.
    wait_until(lambda: all(t["collected"] for t in tallies()), what="something has come")
    for tally in tallies():
        assert tally["fired"] == tally["written"] + sum(tally["lost"].values())
        assert 0 < tally["collected"] <= tally["written"]


def test_a_struct_that_is_not_there_is_told_before_any_host_is_contacted(watched: Fleet) -> None:
    text = EXAMPLE.read_text().replace("exec_event", "exit_event")
    (watched.folder / "wrong.yml").write_text(text)
    said = watched.fleetbpf("apply", "wrong.yml")
    assert said.returncode == 2
    assert "wrong.yml:7:7: the object's BTF has no struct `exit_event`" in said.stderr
