"""What goes wrong on real hosts, and how it reads."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleetbpf.audit.schedule import ScheduledAudit, unit_texts
from fleetbpf.lab.folder import LabFolder
from tests import documents
from tests.e2e.fleet import Fleet
from tests.waiting import wait_until

pytestmark = pytest.mark.lab

HELLO = """
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
SEC("{section}")
int f(void *ctx) {{ bpf_printk("f"); return 0; }}
"""
REFUSED = """
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
SEC("raw_tp/sched_process_exec")
int f(void *ctx) { return *(volatile int *)0; }
"""


def manifest(fleet: Fleet, source: str, more: str = "", hosts: str = "all") -> str:
    """A manifest with one program, and its source beside it."""
    (fleet.folder / "fault.bpf.c").write_text(source)
    (fleet.folder / "fault.yml").write_text(
        "name: fault\nprograms:\n  fault:\n    source: fault.bpf.c\n"
        f"{more}plays:\n  - {{hosts: '{hosts}', programs: [fault]}}\n"
    )
    return "fault.yml"


@pytest.fixture(autouse=True)
def clean(fleet: Fleet) -> Iterator[None]:
    yield
    if (fleet.folder / "fault.yml").exists():
        fleet.fleetbpf("destroy", "fault.yml", "--yes")


def good(section: str = "raw_tp/sched_process_exec") -> str:
    return HELLO.format(section=section)


def test_a_hook_that_does_not_exist_is_named_with_host_and_kernel(fleet: Fleet) -> None:
    file = manifest(fleet, good(), "    hooks: {f: tracepoint/syscalls/sys_enter_nope}\n", "edge1")
    said = fleet.fleetbpf("apply", file)
    kernel = fleet.root("edge1", "uname -r").strip()
    assert said.returncode == 1
    assert (
        f"edge1: fault: cannot attach f to tracepoint/syscalls/sys_enter_nope on kernel {kernel}"
        in (said.stderr)
    )


def test_a_verifier_refusal_shows_the_decisive_lines_and_keeps_the_whole_log(
    fleet: Fleet,
) -> None:
    said = fleet.fleetbpf("apply", manifest(fleet, REFUSED, hosts="edge2"))
    log = fleet.folder / "logs" / "edge2" / "fault" / "fault" / "verifier.log"
    assert said.returncode == 1
    assert "invalid mem access" in said.stderr
    assert "processed" not in said.stderr
    assert "processed" in log.read_text()
    assert fleet.root("edge2", "ls /var/lib/fleetbpf 2>/dev/null; true") == ""


def test_a_release_that_fails_leaves_the_old_one_running(fleet: Fleet) -> None:
    hosts = "web1:edge1"
    assert fleet.fleetbpf("apply", manifest(fleet, good(), hosts=hosts)).returncode == 0
    before = statuses(fleet)
    failed = fleet.fleetbpf("apply", manifest(fleet, REFUSED, hosts=hosts))
    assert failed.returncode == 1
    after = statuses(fleet)
    assert {host: (row["state"], row["pid"]) for host, row in after.items()} == {
        host: ("running", row["pid"]) for host, row in before.items()
    }


def status(fleet: Fleet, host: str) -> dict[str, object]:
    return statuses(fleet, "--limit", host)[host]


def statuses(fleet: Fleet, *words: str) -> dict[str, dict[str, object]]:
    """Of the program on each host that the manifest names."""
    found = documents.hosts(fleet.fleetbpf("status", "fault.yml", "--json", *words).stdout)
    return {host: row["programs"][0] for host, row in found.items()}


def test_an_upgrade_hands_over_and_keeps_the_old_release_for_a_while(fleet: Fleet) -> None:
    fleet.fleetbpf("apply", manifest(fleet, good(), hosts="web1:edge1"))
    old = {host: row["release"] for host, row in statuses(fleet).items()}
    said = fleet.fleetbpf(
        "apply", manifest(fleet, good("raw_tp/sched_process_exit"), hosts="web1:edge1")
    )
    assert said.returncode == 0, said.stderr
    assert "fault: update: source fault.bpf.c" in said.stderr
    for host, row in statuses(fleet).items():
        assert row["state"] == "running"
        assert row["release"] != old[host]
        assert row["attached"] == ["f on raw_tp/sched_process_exit"]
        releases = fleet.root(host, "ls /var/lib/fleetbpf/fault/fault/releases").split()
        assert sorted(releases) == sorted([str(old[host]), str(row["release"])])
        running = fleet.root(
            host, "for exe in /proc/[0-9]*/exe; do readlink $exe; done | grep -c fleetbpf"
        )
        assert int(running) == (1 if host == "web1" else 2)  # a supervisor and its loader


def test_a_kernel_that_is_too_old_is_told_before_anything_is_sent(fleet: Fleet) -> None:
    file = manifest(fleet, good(), '    requires: {kernel: ">=6.5"}\n', "edge1:edge2")
    said = fleet.fleetbpf("apply", file)
    assert said.returncode == 1
    assert "edge1: fault: kernel 5.10" in said.stderr
    assert "is not >=6.5" in said.stderr
    assert fleet.root("edge1", "ls -d /var/lib/fleetbpf 2>/dev/null; true") == ""
    assert status(fleet, "edge2")["state"] == "running"


def test_a_missing_btf_is_told_with_the_hook_that_needs_it(fleet: Fleet) -> None:
    fleet.root("edge1", "mount -t tmpfs none /sys/kernel/btf")
    try:
        file = manifest(fleet, good(), "    hooks: {f: tp_btf/sched_process_exec}\n", "edge1")
        said = fleet.fleetbpf("apply", file)
    finally:
        fleet.root("edge1", "umount /sys/kernel/btf")
    assert said.returncode == 1
    assert "f on tp_btf/sched_process_exec needs the kernel's own BTF" in said.stderr


def test_a_missing_tracefs_is_mounted_and_that_is_told(fleet: Fleet) -> None:
    fleet.root("edge1", "umount /sys/kernel/tracing")
    said = fleet.fleetbpf("apply", manifest(fleet, good(), hosts="edge1"))
    there = fleet.root("edge1", "ls -d /sys/kernel/tracing/instances")
    assert said.returncode == 0, said.stderr
    assert there == "/sys/kernel/tracing/instances\n"
    warning = "fault: tracefs was not mounted: it is now, at /sys/kernel/tracing"
    assert f"edge1: warning: {warning}" in said.stderr
    mounted = "grep '^fleetbpf ' /proc/mounts | cut -d ' ' -f 3; true"
    assert fleet.root("edge1", mounted) == "tracefs\n"
    assert (
        fleet.fleetbpf("destroy", "--yes", manifest(fleet, good(), hosts="edge1")).returncode == 0
    )
    assert fleet.root("edge1", mounted) == ""
    fleet.root("edge1", "mount -t tracefs tracefs /sys/kernel/tracing")


def test_a_user_who_may_not_use_sudo_is_told_so(fleet: Fleet) -> None:
    inventory = fleet.folder / "inventories" / "nosudo.yml"
    text = fleet.inventory.read_text()
    inventory.write_text(text.replace("fleetbpf_user: ops", "fleetbpf_user: nosudo"))
    said = fleet.fleetbpf(
        "apply", manifest(fleet, good(), hosts="web1"), "--inventory", str(inventory)
    )
    assert said.returncode == 1
    assert "web1: no command was run as root" in said.stderr
    assert "NOPASSWD" in said.stderr


def test_not_becoming_root_is_told_before_anything_is_sent(fleet: Fleet) -> None:
    inventory = fleet.folder / "inventories" / "unprivileged.yml"
    text = fleet.inventory.read_text()
    inventory.write_text(text.replace("fleetbpf_become: true", "fleetbpf_become: false"))
    said = fleet.fleetbpf(
        "apply", manifest(fleet, good(), hosts="web1"), "--inventory", str(inventory)
    )
    assert said.returncode == 1
    assert "not as root" in said.stderr
    assert "become: true" in said.stderr


def test_hosts_that_cannot_be_reached_do_not_stop_the_others(fleet: Fleet) -> None:
    inventory = fleet.folder / "inventories" / "dead.yml"
    inventory.write_text(
        fleet.inventory.read_text()
        + "\ndead:\n  hosts:\n    gone:\n      fleetbpf_host: 127.0.0.1\n      fleetbpf_port: 1\n"
        + f"      fleetbpf_identity_file: {LabFolder.at(fleet.folder).identity}\n"
    )
    file = manifest(fleet, good(), hosts="edge1:gone")
    said = fleet.fleetbpf("apply", file, "--inventory", str(inventory), "--json")
    assert said.returncode == 4
    rows = documents.hosts(said.stdout)
    assert (rows["edge1"]["ok"], rows["gone"]["unreachable"]) == (1, 1)
    assert "connection refused" in said.stderr


def test_an_interrupted_apply_says_what_is_left_and_the_next_one_finishes(fleet: Fleet) -> None:
    file = manifest(fleet, good())
    with fleet.following("apply", file) as (process, output):
        wait_until(
            lambda: "create" in output.read_text(), seconds=300, what="a host is being changed"
        )
        process.send_signal(signal.SIGINT)
        code = process.wait(timeout=300)
        said = output.read_text()
    assert code in {0, 130}  # 0 where the last host was quicker than the interrupt
    if code == 130:
        assert "interrupted before it was finished" in said
    wait_until(
        lambda: fleet.fleetbpf("apply", file).returncode == 0,
        seconds=300,
        what="the next apply finishes the job",
    )
    after = statuses(fleet)
    assert {host: row["state"] for host, row in after.items()} == dict.fromkeys(
        fleet.hosts, "running"
    )


def test_two_applies_at_once_cannot_interleave_on_a_host(fleet: Fleet) -> None:
    first = manifest(fleet, good(), hosts="edge1:edge2")
    with (
        fleet.following("apply", first) as (one, _),
        fleet.following("apply", first) as (two, _),
    ):
        codes = {one.wait(timeout=300), two.wait(timeout=300)}
    assert codes <= {0, 1}  # each may have been the first on one host
    wait_until(
        lambda: fleet.fleetbpf("apply", first).returncode == 0, seconds=300, what="all is applied"
    )
    for host in ("edge1", "edge2"):
        assert status(fleet, host)["state"] == "running"
        loaders = fleet.root(
            host, "for exe in /proc/[0-9]*/exe; do readlink $exe; done | grep -c fleetbpf"
        )
        assert int(loaders) == 2


def test_a_host_whose_power_fails_in_mid_apply_comes_back_whole(fleet: Fleet) -> None:
    assert fleet.fleetbpf("apply", manifest(fleet, good(), hosts="edge1:web1")).returncode == 0
    file = manifest(fleet, good("raw_tp/sched_process_exit"), hosts="edge1:web1")
    with fleet.following("apply", file) as (process, output):
        wait_until(
            lambda: "web1: fault: update" in output.read_text(), seconds=300, what="web1 begins"
        )
        fleet.power_off("web1")
        code = process.wait(timeout=600)
        said = output.read_text()
    fleet.power_on()
    assert status(fleet, "edge1")["state"] == "running"
    # 0 where web1 was finished before its power went.
    assert code == 4 or "web1: changed" in said
    wait_until(
        lambda: status(fleet, "web1")["state"] == "running", seconds=300, what="web1 runs again"
    )
    assert fleet.fleetbpf("apply", file).returncode == 0
    assert status(fleet, "web1")["attached"] == ["f on raw_tp/sched_process_exit"]
    left = fleet.root("web1", "ls -A /var/lib/fleetbpf; ls -A /var/lib/fleetbpf/fault/fault")
    files = {"changed", "fault", "history", "objects"}
    assert set(left.split()) == {*files, "current", "releases", "spool"}


def test_a_host_whose_key_is_not_known_is_refused(fleet: Fleet) -> None:
    inventory = fleet.folder / "inventories" / "unknown.yml"
    (fleet.folder / "no_known_hosts").write_text("")
    text = fleet.inventory.read_text()
    inventory.write_text(text.replace("../.fleetbpf/lab/known_hosts", "../no_known_hosts"))
    said = fleet.fleetbpf(
        "apply", manifest(fleet, good(), hosts="edge1"), "--inventory", str(inventory)
    )
    assert said.returncode == 4
    assert "edge1: 127.0.0.1:" in said.stderr
    assert "SHA256:" in said.stderr
    assert "ssh-keyscan" in said.stderr


def test_the_units_of_scheduled_audits_are_sound_for_systemd(fleet: Fleet) -> None:
    audit = ScheduledAudit.of(
        "demo",
        Path("/tmp/a manifest.yml"),
        when="0 4 1 * 5",
        words=("/bin/echo", "100% of $HOME", 'a "quoted" word'),
        folder=Path("/tmp"),
    )
    place = "/run/systemd/system"
    for suffix, text in unit_texts(audit).items():
        fleet.root("web1", f"cat >{place}/{audit.name}.{suffix} <<'END'\n{text}END")
    said = fleet.root(
        "web1",
        f"systemd-analyze verify {place}/{audit.name}.timer 2>&1; "
        f"systemctl start {audit.name}.service && journalctl -o cat -u {audit.name}.service; "
        f"rm {place}/{audit.name}.*; systemctl daemon-reload",
    )
    assert '100% of $HOME a "quoted" word' in said
    assert "Failed" not in said
    assert "Invalid" not in said


@pytest.mark.parametrize("size", ["400k", "1500k"])  # too small for the payload; for the loader
def test_a_full_disk_is_told_and_leaves_nothing_behind(fleet: Fleet, size: str) -> None:
    root = "/var/lib/fleetbpf"
    fleet.root("edge1", f"mkdir -p {root} && mount -t tmpfs -o size={size} none {root}")
    try:
        said = fleet.fleetbpf("apply", manifest(fleet, good(), hosts="edge1"))
        left = fleet.root("edge1", f"ls -A {root}")
    finally:
        fleet.root("edge1", f"umount {root} && rmdir {root}")
    assert said.returncode == 1
    assert "the disk has" in said.stderr
    assert left == ""
