"""A fleet of two architectures: one manifest, one run, the right loader on each host."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import documents
from tests.e2e import test_hooks as hooks
from tests.e2e.fleet import Fleet, counted
from tests.e2e.guard import Guard
from tests.tools import need
from tests.waiting import wait_until

pytestmark = pytest.mark.lab

EXAMPLES = Path(__file__).parents[2] / "examples"
HOSTS = {"edge1": "micro:6.1:x86_64", "arm1": "micro:6.1:arm64"}
MACHINES = {"edge1": "x86_64", "arm1": "aarch64"}
MANIFEST = "examples/hello.yml"


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory, guard: Guard) -> Iterator[Fleet]:
    """An x86-64 and an arm64 host, which the inventory does not tell apart."""
    need("qemu-system-x86_64", "qemu-system-aarch64", "clang", "bpftool", "ld.lld")
    folder = tmp_path_factory.mktemp("mixed")
    shutil.copytree(EXAMPLES, folder / "examples")
    fleet = Fleet(folder=folder, hosts=tuple(HOSTS), guard=guard)
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
    hosts = documents.hosts(said.stdout)
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
    rows = documents.hosts(said.stdout).values()
    assert {(row["ok"], row["changed"], row["failed"]) for row in rows} == {(2, 0, 0)}
    assert connections == dict.fromkeys(HOSTS, 1)


def test_an_audit_knows_what_each_host_should_run(applied: Fleet) -> None:
    said = applied.fleetbpf("audit", MANIFEST)
    assert (said.returncode, said.stdout.splitlines()[0]) == (0, "2 hosts as declared")


def test_each_kernel_judges_the_loaders_of_its_architecture(mixed: Fleet) -> None:
    said = mixed.fleetbpf("check", MANIFEST, "--json")
    assert said.returncode == 0, said.stderr
    checks = documents.read(said.stdout)["checks"]
    assert {(each["arch"], each["verdict"]) for each in checks} == {
        (machine, "ok") for machine in MACHINES.values()
    }


# What Debian's arm64 6.1 has not, and what it is told to lack.
TRAMPOLINES = ("fentry", "fexit", "fmod_ret", "lsm", "lsm_s", "lsm_cgroup")
LACKING = {
    "kprobe_multi": f"{hooks.NO_FPROBE} kprobe.multi needs",
    "kretprobe_multi": f"{hooks.NO_FPROBE} kretprobe.multi needs",
    "fentry_s": "__arm64_sys_getpgid is not sleepable",
    **dict.fromkeys(TRAMPOLINES, "arm64 can since kernel 6.4"),
    "tcx": "tcx needs kernel 6.6",
    "netfilter": "netfilter needs kernel 6.4",
}


def arm64_manifest() -> dict[str, Any]:
    """The manifest of test_hooks, for the only host that may lack what it lacks."""
    text = json.dumps(hooks.MANIFEST).replace("__x64_", "__arm64_")
    manifest: dict[str, Any] = json.loads(text.replace("x86_64-linux", "aarch64-linux"))
    for program in manifest["programs"].values():
        for kind in LACKING.keys() & {name.removeprefix("on_") for name in program["hooks"]}:
            program["hooks"][f"on_{kind}"]["optional"] = True
    manifest["plays"][0]["hosts"] = "arm64"
    return manifest


@pytest.fixture(scope="module")
def hooked(mixed: Fleet) -> Fleet:
    """The arm64 host with a function on every kind of hook."""
    for source in (hooks.HERE / "hooks.bpf.c", hooks.PROGRAMS / "deciding.bpf.c"):
        shutil.copy(source, mixed.folder)
    (mixed.folder / "hooks.yml").write_text(json.dumps(arm64_manifest()))
    hooks.prepare(mixed, "arm1")
    said = mixed.fleetbpf("apply", "hooks.yml")
    assert said.returncode == 0, said.stderr
    return mixed


def test_every_kind_of_hook_fires_on_arm64(hooked: Fleet) -> None:
    wanted = {*hooks.HOOKS, *hooks.DECIDING, "stand_in"} - LACKING.keys()
    assert hooks.fired(hooked, "arm1", wanted) == wanted


def test_an_arm64_kernel_without_a_kind_of_hook_says_what_it_lacks(hooked: Fleet) -> None:
    starts = [row for row in hooks.records(hooked, "arm1") if row["kind"] == "start"]
    told = [line for start in starts for line in start.get("warnings", ())]
    for kind, reason in LACKING.items():
        assert any(f"on_{kind} " in line or f"on_{kind}:" in line for line in told), (kind, told)
        assert any(reason in line for line in told), (reason, told)
    assert len([line for line in told if line.startswith("skipped: ")]) == len(LACKING)
