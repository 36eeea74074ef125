"""The sandbox of a unit: as tight as the hooks of its program allow."""

import shutil
import subprocess
from pathlib import Path

import pytest

from fleetbpf.inventory import inventory
from fleetbpf.manifest import manifest, targets
from fleetbpf.model.hook import Hook
from fleetbpf.model.target import DesiredHook
from fleetbpf.plan.release import Release
from fleetbpf.plan.sandbox import Opening, openings
from tests.tools import need
from tests.unit.samples import release

EXAMPLES = Path(__file__).parents[2] / "examples"


def unit(*hooks: str, textfile: str = "") -> dict[str, str]:
    """The last value of each setting in the unit of a program with these hooks."""
    wanted = (DesiredHook(function=f"f{n}", first_of=(hook,)) for n, hook in enumerate(hooks))
    text = release(hooks=tuple(wanted), textfile=textfile).unit.decode()
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


@pytest.mark.parametrize(
    ("hook", "opened"),
    [
        ("tp_btf/sched_switch", set()),
        ("uprobe//usr/bin/bash:readline", set()),
        ("uprobe/libc.so.6:malloc", set()),
        ("uprobe//home/ann/server:main", {Opening.HOMES}),
        ("usdt//tmp/server:app:request", {Opening.TEMPORARY}),
        ("uretprobe//proc/1/root/bin/sh:main", {Opening.PROCESSES}),
        ("uprobe//usr/bin/bash:readline@12", {Opening.PROCESSES}),
        ("xdp/eth0", {Opening.NETWORK}),
        ("tc/eth0/ingress", {Opening.NETWORK}),
        ("cgroup/connect4//sys/fs/cgroup", {Opening.NETWORK}),
        ("netfilter/ipv4/local_in", {Opening.NETWORK}),
        ("socket/eth0", {Opening.NETWORK, Opening.PACKETS}),
        ("sk_lookup//proc/1/ns/net", {Opening.NETWORK, Opening.PROCESSES}),
        ("lsm/file_open", set()),
        ("iter/tcp@10s", {Opening.NETWORK}),
        ("iter/task@10s", set()),
    ],
)
def test_a_hook_opens_what_it_needs_and_no_more(hook: str, opened: set[Opening]) -> None:
    assert openings([Hook.parse(hook)]) == opened


def test_a_unit_gives_up_a_loader_that_says_so_and_one_that_cannot_be_executed() -> None:
    found = unit("tp_btf/sched_switch")
    assert found["RestartPreventExitStatus"] == "78"  # FB_GAVE_UP of tries.h
    assert found["StartLimitIntervalSec"] != "0"
    # RestartSteps and RestartMaxDelaySec are unknown to systemd before version 254.
    assert not {"RestartSteps", "RestartMaxDelaySec"} & found.keys()


def test_a_unit_is_closed_where_no_hook_opens_it() -> None:
    closed = unit("tp_btf/sched_switch")
    assert (closed["ProtectHome"], closed["PrivateTmp"]) == ("yes", "yes")
    assert closed["ProtectProc"] == "invisible"
    assert "CAP_DAC" not in closed["CapabilityBoundingSet"]


def test_hooks_on_files_of_users_see_them() -> None:
    opened = unit("tp_btf/sched_switch", "uprobe//home/ann/server:main", "usdt//tmp/x:app:request")
    assert (opened["ProtectHome"], opened["PrivateTmp"]) == ("read-only", "no")
    assert opened["CapabilityBoundingSet"].endswith(" CAP_DAC_READ_SEARCH")


@pytest.mark.parametrize(
    ("textfile", "hooks", "homes", "temporary", "shown"),
    [
        ("/var/lib/node_exporter/metrics", (), "yes", "yes", None),
        ("/home/ann/metrics", (), "tmpfs", "yes", "-/home/ann/metrics"),
        ("/root/metrics", (), "tmpfs", "yes", "-/root/metrics"),
        ("/run/user/1000/metrics", (), "tmpfs", "yes", "-/run/user/1000/metrics"),
        ("/home/ann/metrics", ("uprobe//home/ann/x:main",), "read-only", "yes", None),
        ("/tmp/metrics", (), "yes", "yes", "-/tmp/metrics"),
        ("/var/tmp/a/b", (), "yes", "yes", "-/var/tmp/a/b"),
        ("/tmp", (), "yes", "no", None),
        ("/tmp/metrics", ("uprobe//tmp/x:main",), "yes", "no", None),
        ("/homes/metrics", (), "yes", "yes", None),
    ],
)
def test_metrics_are_written_where_the_manifest_says(
    *, textfile: str, hooks: tuple[str, ...], homes: str, temporary: str, shown: str | None
) -> None:
    found = unit(*hooks, textfile=textfile)
    assert (found["ProtectHome"], found["PrivateTmp"]) == (homes, temporary)
    assert found.get("BindPaths") == shown
    assert found["ReadWritePaths"].endswith(f" -{textfile}")


def units_of(example: Path, folder: Path) -> list[bytes]:
    """The units of an example's programs on one host."""
    (folder / "hosts.yml").write_text("all: {hosts: {web1: {}}}\n")
    declared = manifest.read(example)
    found = targets.resolve(declared, inventory.read(folder / "hosts.yml"))
    return [
        Release(deployment=declared.name, program=program, build_key="k").unit
        for target in found
        for program in target.programs
    ]


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.yml")), ids=lambda path: path.stem)
def test_systemd_rates_the_exposure_of_every_example_low(example: Path, tmp_path: Path) -> None:
    need("systemd-analyze")
    for unit in units_of(example, tmp_path):
        assert_low(tmp_path, unit)


def test_systemd_rates_hooks_of_the_network_low_too(tmp_path: Path) -> None:
    need("systemd-analyze")
    assert_low(tmp_path, release(hooks=(DesiredHook(function="f", first_of=("xdp/eth0",)),)).unit)


def assert_low(folder: Path, unit: bytes) -> None:
    (folder / "a.service").write_bytes(unit)
    rating = [str(shutil.which("systemd-analyze")), "security", "--offline=yes", "--threshold=25"]
    done = subprocess.run(
        [*rating, "--no-pager", folder / "a.service"], capture_output=True, check=False, text=True
    )
    assert done.returncode == 0, done.stdout
