"""Every program of programs/ on every lab kernel: what was made to happen must be told, rightly.

The examples are applied, each host is triggered once, and its records are read until everything is
there.
"""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import documents
from tests.e2e.fleet import Fleet
from tests.waiting import wait_until

pytestmark = pytest.mark.lab

HERE = Path(__file__).parent
HOSTS = ("web1", "edge1", "edge2", "edge3")

Record = dict[str, Any]
Told = dict[str, list[Record]]  # of each program: what its events and maps said

HOME = "::ffff:127.0.0.1"
TRIGGER = {"comm": "trigger", "uid": 0}
SERVER = {"address": HOME, "port": 7777}

# Each program: what must be among the things that it told. Other fields are not looked at.
WANTED: dict[str, Record] = {
    "accepts": {**TRIGGER, "local": SERVER},
    "binds": {**TRIGGER, "protocol": "TCP", "local": SERVER, "error": 0},
    "biolat": {"key": {"major": 7, "minor": 0, "operation": "READ"}},
    "bpf_calls": {**TRIGGER, "command": "BPF_PROG_LOAD", "name": "triggered", "type": 1},
    "capabilities": {"comm": "trigger", "capability": "CAP_SYS_ADMIN", "granted": False},
    "connects": {
        **TRIGGER,
        "remote": {"address": HOME, "port": 7778},
        "error": "ECONNREFUSED",
    },
    "deletes": {**TRIGGER, "path": "/tmp/trigger", "directory": True, "error": 0},
    "dns_queries": {
        **TRIGGER,
        "server": {"address": HOME, "port": 53},
        "id": 0x1234,
        "type": "AAAA",
        "name": "fleetbpf.example",
    },
    "execs": {**TRIGGER, "filename": "/opt/trigger", "args": "/opt/trigger hungry"},
    "exits": {**TRIGGER, "signal": "SIGTERM", "code": 0, "core_dumped": False},
    "listens": {**TRIGGER, "local": SERVER, "backlog": 0},
    "modules": {"change": "LOADED", "name": "loop", "uid": 0},
    "mounts": {"call": "MOUNT", "source": "fleetbpf", "target": "/tmp/mounted", "type": "tmpfs"},
    "ooms": {"victim_comm": "trigger", "victim_uid": 0, "cgroup": "tight"},
    "opens": {**TRIGGER, "path": "/tmp/trigger/none", "fd": -1, "error": "ENOENT"},
    "ptraces": {**TRIGGER, "request": "TRACEME", "target": 0, "error": 0},
    "renames": {
        **TRIGGER,
        "old": "/tmp/trigger/old",
        "new": "/tmp/trigger/new",
        "flags": 1,
        "error": 0,
    },
    "retransmits": {"state": "SYN_SENT", "remote": SERVER},
    "runqlat": {"key": None},
    "setuids": {"comm": "trigger", "call": "SETUID", "from": 0, "to": 12345, "error": 0},
    "signals": {**TRIGGER, "signal": "SIGTERM", "code": "USER", "target_comm": "trigger"},
}
EXAMPLES = ("processes", "files", "network", "security", "latency")


def trigger(folder: Path) -> Path:
    """The program that does what a shell cannot."""
    program = folder / "trigger"
    flags = ["-O1", "-static", "-nostdlib", "-fno-stack-protector", "-s"]
    subprocess.run(["gcc", *flags, "-o", program, HERE / "trigger.c"], check=True)
    return program


def told(fleet: Fleet, host: str) -> Told:
    """What all programs told on a host so far."""
    said = fleet.fleetbpf("logs", host, "--json")
    found: Told = {name: [] for name in WANTED}
    for record in documents.records(said.stdout):
        if record["program"] in WANTED and record["kind"] == "event":
            found[record["program"]].append(record["data"])
        elif record["program"] in WANTED and record["kind"] == "map":
            found[record["program"]] += record["entries"]
    return found


def is_among(wanted: Record, records: list[Record]) -> bool:
    return any(
        all(name in record and record[name] == value for name, value in wanted.items())
        for record in records
    )


def all_told(fleet: Fleet, host: str) -> Told:
    """What all programs told, once it is complete; or what there is, after a while.

    Then the tests say what is missing.
    """
    found = told(fleet, host)

    def is_complete() -> bool:
        nonlocal found
        found = told(fleet, host)
        return all(is_among(wanted, found[name]) for name, wanted in WANTED.items())

    with contextlib.suppress(AssertionError):
        wait_until(is_complete, seconds=60, what=f"{host} tells all")
    return found


def reloads(fleet: Fleet) -> int:
    """How often systemd was made to read its units since the host booted."""
    return fleet.root("web1", "journalctl -b -o cat _PID=1 --no-pager").count("Reloading.")


@pytest.fixture(scope="module")
def everything(fleet: Fleet) -> Iterator[dict[str, Told]]:
    """What all programs told on each host after it was triggered."""
    before = reloads(fleet)
    said = fleet.fleetbpf("apply", *(f"examples/{example}.yml" for example in EXAMPLES))
    assert said.returncode == 0, said.stderr
    assert reloads(fleet) == before + len(EXAMPLES)  # one for all programs of a manifest
    program = trigger(fleet.folder)
    for host in HOSTS:
        fleet.put(host, program)
        fleet.root(host, (HERE / "trigger.sh").read_text())
    yield {host: all_told(fleet, host) for host in HOSTS}
    said = fleet.fleetbpf("destroy", "--all", ":".join(HOSTS), "--yes")
    assert said.returncode == 0, said.stderr


@pytest.mark.parametrize("program", WANTED)
@pytest.mark.parametrize("host", HOSTS)
def test_what_happened_is_told(everything: dict[str, Told], host: str, program: str) -> None:
    assert is_among(WANTED[program], everything[host][program]), everything[host][program][-5:]


def test_every_program_is_tried() -> None:
    # hello and exec_counts have their own test.
    shipped = {path.name for path in (HERE.parents[1] / "programs").glob("*.bpf.c")}
    assert shipped == {f"{name}.bpf.c" for name in (*WANTED, "hello", "exec_counts")}
