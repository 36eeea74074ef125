"""What people do to a host by hand: fleetbpf knows what is its own there, and mends or ends it."""

import json
from collections.abc import Iterator

import pytest

from tests.e2e.fleet import Fleet
from tests.e2e.test_faults import good, manifest

pytestmark = pytest.mark.lab

HOSTS = ("web1", "edge1")  # with systemd and without
ROOT, RUN = "/var/lib/fleetbpf", "/run/fleetbpf"
EXECUTABLES = "for p in /proc/[0-9]*; do echo ${p#/proc/} $(readlink $p/exe); done"
LOADERS = rf"{EXECUTABLES} | sed -n 's,^\([0-9]*\) .*/objects/.*,\1,p'"
RUNNING = {"web1": 1, "edge1": 2}  # of loaders; on edge1 one is a supervisor
SNAPSHOT = (
    f"{LOADERS}; ls -d {ROOT} {RUN} /sys/fs/bpf/fleetbpf /sys/kernel/tracing/instances/fleetbpf*;"
    "find /etc/systemd /run/systemd/system /run/systemd/units -name 'fleetbpf-*';"
    "systemctl list-units --all --no-legend 'fleetbpf-*'"
)
PID = "$(sed -n 's/.*\"pid\":\\([0-9]*\\).*/\\1/p' /run/fleetbpf/fault/fault/*/state)"
STATES = {
    "all files": f"rm -rf {ROOT}",
    "all files and states": f"rm -rf {ROOT} {RUN}",
    "a program": f"rm -rf {ROOT}/fault",
    "releases": f"rm -rf {ROOT}/fault/fault/releases",
    "loaders": f"rm -rf {ROOT}/objects",
    "states": f"rm -rf {RUN}",
    "units": "rm -rf /etc/systemd/system/fleetbpf-* /etc/systemd/system/*.wants/fleetbpf-*",
    "files and units, read anew": f"rm -rf {ROOT} /etc/systemd/system/fleetbpf-*"
    " /etc/systemd/system/*.wants/fleetbpf-*; systemctl daemon-reload",
    "files, then the process": f"p={PID}; rm -rf {ROOT}; kill -KILL $p",
    "a signal": f"kill -STOP {PID}",
    "a drop-in": "mkdir -p /etc/systemd/system/fleetbpf-fault.fault@.service.d;"
    "echo '[Service]' >/etc/systemd/system/fleetbpf-fault.fault@.service.d/x.conf",
    "a mask": "for u in /run/systemd/units/invocation:fleetbpf-*; do"
    " systemctl mask ${u##*invocation:}; done",
}


@pytest.fixture
def clean(fleet: Fleet) -> Iterator[None]:
    yield
    fleet.fleetbpf("destroy", "--yes", "--all", ":".join(HOSTS))


def by_hand(fleet: Fleet, state: str) -> None:
    for host in HOSTS:
        fleet.root(host, f"{STATES[state]}; true")


def running(fleet: Fleet) -> dict[str, int]:
    return {host: len(fleet.root(host, LOADERS).split()) for host in HOSTS}


def states(fleet: Fleet, *words: str) -> dict[str, list[str]]:
    document = json.loads(fleet.fleetbpf("status", *words, "--json").stdout)
    return {
        host["host"]: sorted(row["state"] for row in host["programs"]) for host in document["hosts"]
    }


@pytest.mark.parametrize("state", STATES)
def test_one_apply_mends_and_one_destroy_leaves_nothing(fleet: Fleet, state: str) -> None:
    pattern = ":".join(HOSTS)
    before = {host: fleet.root(host, SNAPSHOT) for host in HOSTS}
    file = manifest(fleet, good(), hosts=pattern)
    assert fleet.fleetbpf("apply", file).returncode == 0

    by_hand(fleet, state)
    said = fleet.fleetbpf("apply", file)
    assert said.returncode == 0, said.stderr
    assert running(fleet) == RUNNING
    said = fleet.fleetbpf("plan", file, "--detailed-exitcode")
    assert said.returncode == 0, said.stdout

    by_hand(fleet, state)
    said = fleet.fleetbpf("destroy", "--yes", "--all", pattern)
    assert said.returncode == 0, said.stderr
    assert {host: fleet.root(host, SNAPSHOT) for host in HOSTS} == before


@pytest.mark.usefixtures("clean")
def test_what_runs_without_files_is_told_and_ends_beside_another_release(fleet: Fleet) -> None:
    file = manifest(fleet, good(), hosts=":".join(HOSTS))
    fleet.fleetbpf("apply", file)
    by_hand(fleet, "a program")
    assert states(fleet, ":".join(HOSTS)) == {host: ["orphaned"] for host in HOSTS}
    audit = json.loads(fleet.fleetbpf("audit", file, "--json").stdout)
    orphaned = [f["host"] for f in audit["findings"] if f["kind"] == "orphaned"]
    assert sorted(orphaned) == sorted(HOSTS)
    fleet.fleetbpf("apply", manifest(fleet, good("raw_tp/sched_process_exit"), hosts="web1:edge1"))
    assert states(fleet, ":".join(HOSTS)) == {host: ["running"] for host in HOSTS}
    assert running(fleet) == RUNNING


@pytest.mark.usefixtures("clean")
def test_a_host_that_is_taken_out_of_a_play_is_covered_by_prune_alone(fleet: Fleet) -> None:
    fleet.fleetbpf("apply", manifest(fleet, good(), hosts=":".join(HOSTS)))
    file = manifest(fleet, good(), hosts="web1")
    assert "0 to delete" in fleet.fleetbpf("plan", file).stdout
    limit = ("--prune", "--limit", ":".join(HOSTS))
    assert "1 to delete" in fleet.fleetbpf("plan", file, *limit).stdout
    assert fleet.fleetbpf("apply", "--yes", file, *limit).returncode == 0
    assert states(fleet, ":".join(HOSTS)) == {"web1": ["running"], "edge1": []}


@pytest.mark.usefixtures("clean")
def test_a_deployment_goes_without_its_manifest_and_others_stay(fleet: Fleet) -> None:
    fleet.fleetbpf("apply", manifest(fleet, good(), hosts=":".join(HOSTS)))
    text = (fleet.folder / "fault.yml").read_text().replace("name: fault", "name: stays")
    (fleet.folder / "stays.yml").write_text(text)
    fleet.fleetbpf("apply", "stays.yml")
    said = fleet.fleetbpf("destroy", "--yes", "--deployment", "fault", ":".join(HOSTS))
    assert said.returncode == 0, said.stderr
    document = json.loads(fleet.fleetbpf("status", ":".join(HOSTS), "--json").stdout)
    rows = [row for host in document["hosts"] for row in host["programs"]]
    assert [(row["deployment"], row["state"]) for row in rows] == [("stays", "running")] * 2
