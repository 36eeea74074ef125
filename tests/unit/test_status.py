"""What facts say of a running loader, as status tells it."""

import json
from pathlib import Path

from fleetbpf import facts, status

STATE = {
    "pid": 7,
    "since_ns": 0,
    "attached": [],
    "warnings": ["no trace clock"],
    "capabilities": ["CAP_BPF"],
}


def test_a_running_loaders_warnings_and_capabilities_are_told() -> None:
    place = ("demo", "hello", "r1")
    seen = facts.parse(
        [
            ("arch", "aarch64"),
            ("program", "demo", "hello", "r1", ""),
            ("release", *place, "cafe", "cafe", "0"),
            ("running", *place, "cafe", json.dumps(STATE)),
        ]
    )
    (row,) = status.rows("web1", "demo", ["hello"], seen, Path("/nowhere"))
    assert (row.state, row.pid, row.warnings) == ("running", 7, ("no trace clock",))
    assert row.arch == "aarch64"
    assert row.capabilities == ("CAP_BPF",)


def test_what_became_of_all_that_a_program_told_is_told(tmp_path: Path) -> None:
    lost = {"kernel": 5, "limit": 0, "loader": 0, "spool": 1}
    counts = {"written": 7, "lost": lost, "killed": 1, "first": 2, "removed": 3}
    place = ("demo", "hello", "r1")
    seen = facts.parse(
        [
            ("program", "demo", "hello", "r1", ""),
            ("release", *place, "cafe", "cafe", "0"),
            ("counts", *place, json.dumps(counts)),
        ]
    )
    (row,) = status.rows("web1", "demo", ["hello"], seen, tmp_path)
    assert row.tally is not None
    assert (row.tally.fired, row.tally.written, row.tally.collected) == (13, 4, 0)
    assert row.tally.lost == {"kernel": 5, "limit": 0, "loader": 0, "spool": 4}
