"""The main job on real hosts: apply, logs, kills, a reboot, audit, destroy."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests import documents
from tests.e2e.fleet import Fleet, counted
from tests.waiting import wait_until

pytestmark = pytest.mark.lab

MANIFEST = "examples/hello.yml"
PROGRAMS = ("hello", "exec_counts")


@pytest.fixture(scope="module")
def applied(fleet: Fleet) -> Iterator[Fleet]:
    """The fleet with the example on it."""
    planned = fleet.fleetbpf("plan", MANIFEST, "--out", "plan.json", "--detailed-exitcode")
    assert planned.returncode == 3, planned.stderr
    assert planned.stdout.endswith("Plan: 8 to create, 0 to update, 0 to delete, 0 unchanged\n")
    said = fleet.fleetbpf("apply", "plan.json", "--json")
    assert said.returncode == 0, said.stderr
    yield fleet
    fleet.fleetbpf("destroy", MANIFEST, "--yes")


def records(fleet: Fleet, host: str) -> list[dict[str, object]]:
    """All records of a host, after a collection."""
    said = fleet.fleetbpf("logs", host, "--json")
    assert said.returncode == 0, said.stderr
    return documents.records(said.stdout)


def has(fleet: Fleet, host: str, **fields: object) -> bool:
    """Whether a record of the host has these fields; a text needs only to contain its value."""

    def fits(record: dict[str, object]) -> bool:
        return all(
            str(value) in str(record.get(key)) if key == "text" else record.get(key) == value
            for key, value in fields.items()
        )

    return any(fits(record) for record in records(fleet, host))


def await_record(fleet: Fleet, host: str, **fields: object) -> None:
    """Wait until the host has such a record."""
    wait_until(
        lambda: has(fleet, host, **fields), seconds=300, what=f"{host} has a record with {fields}"
    )


def loader_pid(fleet: Fleet, host: str, program: str) -> int:
    said = fleet.fleetbpf("status", MANIFEST, "--json", "--limit", host)
    rows = documents.hosts(said.stdout)[host]["programs"]
    (row,) = [row for row in rows if row["program"] == program]
    return int(row["pid"])


def test_a_plan_of_what_was_applied_has_no_changes(applied: Fleet) -> None:
    said = applied.fleetbpf("plan", MANIFEST, "--detailed-exitcode")
    assert said.returncode == 0, said.stderr
    assert said.stdout == "Plan: 0 to create, 0 to update, 0 to delete, 8 unchanged\n"


def test_a_plan_that_was_carried_out_finds_nothing_to_do(applied: Fleet) -> None:
    said = applied.fleetbpf("apply", "plan.json")
    assert said.returncode == 0, said.stderr
    assert said.stdout.count("changed=0") == len(applied.hosts)


def test_every_host_shows_what_its_own_kernel_executed(applied: Fleet) -> None:
    for host in applied.hosts:
        marker = f"/tmp/marker-of-{host}"
        applied.root(host, f"cp /bin/true {marker}; {marker}; true")
        await_record(applied, host, kind="trace", text=marker)


def test_maps_are_read_out_as_records(applied: Fleet) -> None:
    for host in applied.hosts:
        await_record(applied, host, kind="map", program="exec_counts")


def test_the_same_loader_bytes_run_on_every_kernel(applied: Fleet) -> None:
    kernels = {".".join(applied.root(host, "uname -r").split(".")[:2]) for host in applied.hosts}
    assert kernels == {"5.10", "6.1", "6.12", "7.3"}
    objects = {applied.root(host, "ls /var/lib/fleetbpf/objects") for host in applied.hosts}
    assert [len(found.split()) for found in objects] == [len(PROGRAMS)]
    releases = {
        applied.root(host, "cat /var/lib/fleetbpf/hello/hello/current/release.json")
        .partition('"build_key": "')[2]
        .partition('"')[0]
        for host in applied.hosts
    }
    assert len(releases) == 1


def test_loaders_that_run_keep_no_capability_but_that_to_read_maps(applied: Fleet) -> None:
    for host in applied.hosts:
        for program, wanted in (("hello", 0), ("exec_counts", 1 << 39)):  # CAP_BPF
            pid = loader_pid(applied, host, program)
            said = applied.root(host, f"grep CapEff /proc/{pid}/status")
            assert int(said.split()[1], 16) == wanted, (host, program)


def test_systemd_rates_the_exposure_of_each_unit_low(applied: Fleet) -> None:
    units = applied.root("web1", "systemctl list-units --plain --no-legend 'fleetbpf-hello.*'")
    names = [line.split()[0] for line in units.splitlines()]
    assert len(names) == len(PROGRAMS)
    for name in names:
        said = applied.root("web1", f"systemd-analyze security --no-pager {name}")
        rating = said.rstrip().rpartition(": ")[2].split()[0]
        assert float(rating) <= 2.5, said


def test_times_follow_a_clock_that_is_set(applied: Fleet) -> None:
    later = "/tmp/after-the-clock-was-set"
    set_clock = "date -s @$(($(date +%s) {} 86400)) >/dev/null"
    applied.root("edge2", set_clock.format("+"))
    try:
        applied.root("edge2", f"cp /bin/true {later}; {later}; true")
        tomorrow = applied.root("edge2", "date -u +%Y-%m-%dT%H:%M:%S").strip()
    finally:
        applied.root("edge2", set_clock.format("-"))
    await_record(applied, "edge2", kind="trace", text=later)
    (record, *_) = [r for r in records(applied, "edge2") if later in str(r.get("text"))]
    shown = datetime.fromisoformat(str(record["time"])[:19])
    assert abs(datetime.fromisoformat(tomorrow) - shown) < timedelta(hours=1)


def test_a_kernel_that_cannot_print_so_many_arguments_says_so(applied: Fleet) -> None:
    source = Path(__file__).parents[1] / "kernel" / "programs" / "prints.bpf.c"
    manifest = {
        "name": "prints",
        "programs": {"prints": {"source": str(source)}},
        "plays": [{"hosts": "edge1", "programs": ["prints"]}],
    }
    (applied.folder / "prints.yml").write_text(json.dumps(manifest))  # JSON is YAML
    said = applied.fleetbpf("apply", "prints.yml")
    assert said.returncode == 1
    assert "bpf_printk with more than three arguments needs kernel 5.16" in said.stderr


def test_a_second_apply_changes_nothing_over_one_connection_per_host(applied: Fleet) -> None:
    with counted(applied, applied.hosts) as (inventory, connections):
        said = applied.fleetbpf("apply", MANIFEST, "--json", "--inventory", str(inventory))
    assert said.returncode == 0, said.stderr
    rows = documents.hosts(said.stdout)
    assert {(row["ok"], row["changed"], row["failed"]) for row in rows.values()} == {(2, 0, 0)}
    assert connections == dict.fromkeys(applied.hosts, 1)


@pytest.mark.parametrize("host", ["web1", "edge1"])
def test_a_killed_loader_comes_back_and_no_line_is_doubled(applied: Fleet, host: str) -> None:
    old = loader_pid(applied, host, "hello")
    applied.root(host, f"kill -KILL {old}")
    wait_until(
        lambda: loader_pid(applied, host, "hello") not in {0, old},
        seconds=300,
        what=f"the loader on {host} runs again",
    )
    applied.root(host, "cp /bin/true /tmp/after-kill; /tmp/after-kill; true")
    await_record(applied, host, kind="trace", text="/tmp/after-kill")
    assert has(applied, host, kind="start", reason="restart", program="hello")
    assert_nothing_doubled(applied, host)


def assert_nothing_doubled(fleet: Fleet, host: str) -> None:
    lines = Counter(
        (record["time"], record.get("pid"), record.get("text"))
        for record in records(fleet, host)
        if record["kind"] == "trace"
    )
    assert [line for line, count in lines.items() if count > 1] == []


def test_a_rebooted_debian_host_brings_its_loaders_back(applied: Fleet) -> None:
    boot_id = applied.root("web1", "cat /proc/sys/kernel/random/boot_id")
    applied.reboot("web1")
    assert applied.root("web1", "cat /proc/sys/kernel/random/boot_id") != boot_id
    wait_until(
        lambda: loader_pid(applied, "web1", "hello") != 0,
        seconds=300,
        what="the loader runs after the reboot",
    )
    await_record(applied, "web1", kind="start", reason="reboot", program="hello")
    assert_nothing_doubled(applied, "web1")
    said = applied.fleetbpf("apply", MANIFEST, "--limit", "web1", "--json")
    assert documents.hosts(said.stdout)["web1"]["changed"] == 0


def test_an_audit_of_a_fleet_as_declared_finds_nothing(applied: Fleet) -> None:
    said = applied.fleetbpf("audit", MANIFEST)
    first, known = said.stdout.splitlines()
    assert (said.returncode, first) == (0, f"{len(applied.hosts)} hosts as declared")
    assert known.endswith(" of systemd")  # web1's own: counted, and no finding


def test_an_audit_tells_stopped_tampered_and_stray_apart(applied: Fleet) -> None:
    applied.root("web1", "systemctl stop 'fleetbpf-hello.hello@*'")
    args = "/var/lib/fleetbpf/hello/hello/current/args"
    applied.root("edge1", f"echo --set x=1 >> {args}")
    said = applied.fleetbpf("audit", MANIFEST, "--json", "--report")
    found = {
        (row["host"], row["kind"], row["program"])
        for row in documents.read(said.stdout)["findings"]
    }
    assert said.returncode == 3
    assert found == {("web1", "stopped", "hello"), ("edge1", "tampered", "hello")}
    (report,) = (applied.folder / "reports" / "hello").glob("*.json")
    assert documents.read(report.read_text()) == documents.read(said.stdout)
    mended = applied.fleetbpf("apply", MANIFEST, "--json")
    assert {host: row["changed"] for host, row in documents.hosts(mended.stdout).items()} == (
        dict.fromkeys(applied.hosts, 0) | {"web1": 1, "edge1": 1}
    )
    assert applied.fleetbpf("audit", MANIFEST).returncode == 0


def test_following_prints_lines_as_they_come_until_interrupted(applied: Fleet) -> None:
    with applied.following("logs", "edge1", "--follow") as (process, output):
        applied.root("edge1", "cp /bin/true /tmp/followed; /tmp/followed; true")
        wait_until(
            lambda: "/tmp/followed" in output.read_text(), seconds=300, what="the line is shown"
        )
        process.send_signal(2)
        assert process.wait(timeout=120) == 130


def test_destroying_leaves_nothing_on_any_host(fleet: Fleet) -> None:
    assert fleet.fleetbpf("apply", MANIFEST).returncode == 0
    said = fleet.fleetbpf("destroy", MANIFEST, "--yes", "--json")
    assert said.returncode == 0, said.stderr
    for host in fleet.hosts:
        left = fleet.root(
            host,
            "ls -d /var/lib/fleetbpf /run/fleetbpf /etc/systemd/system/*fleetbpf* "
            "/etc/systemd/system/*/*fleetbpf* /sys/kernel/tracing/instances/* 2>/dev/null; "
            "for exe in /proc/[0-9]*/exe; do readlink $exe; done | grep fleetbpf; true",
        )
        assert left == "", host
    strays = documents.read(fleet.fleetbpf("audit", MANIFEST, "--json").stdout)["findings"]
    assert {row["kind"] for row in strays} == {"missing"}
    collected = fleet.folder / "logs"
    assert {path.name for path in collected.iterdir()} >= set(fleet.hosts)


def test_the_collected_segments_end_with_the_stop_record(fleet: Fleet) -> None:
    logs = fleet.folder / "logs" / "edge1" / "hello" / "hello"
    segments = sorted((path for path in logs.rglob("*.log")), key=lambda path: path.stat().st_mtime)
    last = json.loads(Path(segments[-1]).read_text().splitlines()[-1])
    assert (last["kind"], last["reason"]) == ("stop", "SIGTERM")
