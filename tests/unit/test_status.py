"""What facts say of a running loader, as status tells it."""

import json

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
            ("program", "demo", "hello", "r1", ""),
            ("release", *place, "cafe", "cafe", "beef", "0"),
            ("running", *place, "cafe", json.dumps(STATE)),
        ]
    )
    (row,) = status.rows("web1", "demo", ["hello"], seen)
    assert (row.state, row.pid, row.warnings) == ("running", 7, ("no trace clock",))
    assert row.capabilities == ("CAP_BPF",)
