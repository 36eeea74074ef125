"""A fleet of two architectures: one manifest, one run, the right loader on each host."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.fleet import Fleet, counted
from tests.tools import need
from tests.waiting import wait_until

pytestmark = pytest.mark.lab

EXAMPLES = Path(__file__).parents[2] / "examples"
HOSTS = {"edge1": "micro:6.1:x86_64", "arm1": "micro:6.1:arm64"}
MACHINES = {"edge1": "x86_64", "arm1": "aarch64"}
MANIFEST = "examples/hello.yml"


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """An x86-64 and an arm64 host, which the inventory does not tell apart."""
    need("qemu-system-x86_64", "qemu-system-aarch64", "clang", "bpftool", "ld.lld")
    folder = tmp_path_factory.mktemp("mixed")
    shutil.copytree(EXAMPLES, folder / "examples")
    fleet = Fleet(folder=folder, hosts=tuple(HOSTS))
    try:
        said = fleet.fleetbpf("lab", "up", *(f"--host={n}={k}" for n, k in HOSTS.items()))
        assert said.returncode == 0, said.stderr
        yield fleet
    finally:
        fleet.fleetbpf("lab", "down")


@pytest.fixture(scope="module")
def applied(mixed: Fleet) -> Fleet:
    """Both hosts with the example on them, in one run."""
    said = mixed.fleetbpf("apply", MANIFEST, "--json")
    assert said.returncode == 0, said.stderr
    hosts = json.loads(said.stdout)["hosts"]
    assert {host: row["changed"] for host, row in hosts.items()} == dict.fromkeys(HOSTS, 2)
    return mixed


def test_each_host_runs_loaders_for_its_own_machine(applied: Fleet) -> None:
    assert {host: applied.root(host, "uname -m").strip() for host in HOSTS} == MACHINES
    loader = "/var/lib/fleetbpf/hello/hello/current/loader"
    hashes = {applied.root(host, f"sha256sum <{loader}") for host in HOSTS}
    assert len(hashes) == len(HOSTS)


def test_both_tell_what_their_kernels_executed(applied: Fleet) -> None:
    for host in HOSTS:
        marker = f"/tmp/marker-of-{host}"
        applied.root(host, f"cp /bin/true {marker}; {marker}; true")
        wait_until(
            lambda host=host, marker=marker: marker in applied.fleetbpf("logs", host).stdout,  # type: ignore[misc]
            seconds=120,
            what=f"{host} tells {marker}",
        )


def test_a_second_apply_changes_nothing_over_one_connection_per_host(applied: Fleet) -> None:
    with counted(applied, applied.hosts) as (inventory, connections):
        said = applied.fleetbpf("apply", MANIFEST, "--json", "--inventory", str(inventory))
    rows = json.loads(said.stdout)["hosts"].values()
    assert {(row["ok"], row["changed"], row["failed"]) for row in rows} == {(2, 0, 0)}
    assert connections == dict.fromkeys(HOSTS, 1)


def test_an_audit_knows_what_each_host_should_run(applied: Fleet) -> None:
    said = applied.fleetbpf("audit", MANIFEST)
    assert (said.returncode, said.stdout) == (0, "2 hosts as declared\n")


def test_each_kernel_judges_the_loaders_of_its_architecture(mixed: Fleet) -> None:
    said = mixed.fleetbpf("check", MANIFEST, "--json")
    assert said.returncode == 0, said.stderr
    checks = json.loads(said.stdout)["checks"]
    assert {(each["arch"], each["verdict"]) for each in checks} == {
        (machine, "ok") for machine in MACHINES.values()
    }
