"""What facts say of a running loader, as status tells it."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from fleetbpf.audit import status
from fleetbpf.cli import status as cli_status
from fleetbpf.host import facts
from fleetbpf.model.facts import HostFacts
from tests.answers import told

STATE = {
    "pid": 7,
    "since_ns": 0,
    "attached": [],
    "warnings": ["no trace clock"],
    "capabilities": ["CAP_BPF"],
}


def parse(rows: Sequence[tuple[str, ...]]) -> HostFacts:
    question = facts.Question(deployment="demo", wishes=(facts.SPOOLS, facts.MISSES))
    return told(facts.FACTS, question, *rows)


def test_a_running_loaders_warnings_and_capabilities_are_told() -> None:
    place = ("demo", "hello", "r1")
    seen = parse(
        [
            ("arch", "aarch64"),
            ("program", "demo", "hello", "r1", ""),
            ("release", *place, "cafe", "cafe"),
            ("running", *place, "cafe", json.dumps(STATE)),
            ("missed", *place, "3"),
        ]
    )
    (row,) = status.rows("web1", "demo", [("demo", "hello")], seen, Path("/nowhere"))
    assert (row.state, row.pid, row.missed) == ("running", 7, 3)
    skipped = "the kernel skipped 3 runs, as a BPF program ran on that processor already"
    assert row.warnings == ("no trace clock", skipped)
    assert row.arch == "aarch64"
    assert row.capabilities == ("CAP_BPF",)


@pytest.mark.parametrize(
    ("deadline", "runs", "told"),
    [
        ("2000 b1 900", True, "running, expires in 5 min"),  # the clock of its boot counts
        ("2000 b0 1", True, "running, expires in 16 min 40 s"),  # in another boot the wall's
        ("9999 b1 500", False, "expired 1 min 40 s ago"),
        ("400 b0 9999", False, "expired 10 min ago"),
        ("2000 b1 900", False, "stopped"),
        ("torn", True, "running"),
    ],
)
def test_a_release_that_expires_says_when(deadline: str, runs: bool, told: str) -> None:
    place = ("demo", "hello", "r1")
    running = [("running", *place, "cafe", json.dumps(STATE))] if runs else []
    seen = parse(
        [
            ("boot_id", "b1"),
            ("program", "demo", "hello", "r1", ""),
            ("release", *place, "cafe", "cafe"),
            ("deadline", *place, deadline, "1000", "600.25 1000.00"),
            *running,
        ]
    )
    (row,) = status.rows("web1", "demo", [("demo", "hello")], seen, Path("/nowhere"))
    assert cli_status.state(row) == told


PLACED = [
    ("program", "demo", "hello", "r1", ""),
    ("release", "demo", "hello", "r1", "cafe", "cafe"),
]


def test_what_is_orphaned_has_a_row_for_each_release() -> None:
    seen = parse(
        [
            ("orphan", "process", "demo", "hello", "r0", "7"),
            ("orphan", "state", "demo", "hello", "r0", "/run/x"),
            ("orphan", "pin", "other", "x", "r9", "/sys/y"),
            ("orphan", "folder", "demo", "", "", "/var/lib/z"),
        ]
    )
    absent, left = status.rows("web1", "demo", [("demo", "hello")], seen, Path("/nowhere"))
    assert (absent.state, left.state, left.release, left.pid) == ("absent", "orphaned", "r0", 7)
    assert left.left == ("pid 7", "/run/x")
    every = status.rows("web1", "", [], seen, Path("/nowhere"))
    assert [(row.deployment, row.program) for row in every] == [("demo", "hello"), ("other", "x")]


def test_what_is_of_a_whole_program_is_told_with_its_first_release() -> None:
    unit = ("orphan", "unit", "demo", "hello", "", "/etc/u")
    runs = ("orphan", "process", "demo", "hello", "r0", "7")
    ran = ("orphan", "state", "demo", "hello", "r1", "/run/x")
    rows = status.rows("web1", "demo", [], parse([unit, runs, ran]), Path("/nowhere"))
    assert [(row.release, row.left) for row in rows] == [
        ("r0", ("/etc/u", "pid 7")),
        ("r1", ("/run/x",)),
    ]
    (alone,) = status.rows("web1", "demo", [], parse([unit]), Path("/nowhere"))
    assert (alone.release, alone.left) == ("", ("/etc/u",))


def test_a_loader_without_a_state_is_not_called_stopped() -> None:
    seen = parse([*PLACED, ("orphan", "process", "demo", "hello", "r1", "7")])
    (row,) = status.rows("web1", "demo", [("demo", "hello")], seen, Path("/nowhere"))
    assert (row.state, row.pid) == ("not ready", 7)


def test_what_no_play_declares_is_told_so() -> None:
    (row,) = status.rows("web1", "demo", [], parse(PLACED), Path("/nowhere"))
    assert cli_status.state(row) == "stopped, not declared"
    (row,) = status.rows("web1", "", [], parse(PLACED), Path("/nowhere"))
    assert cli_status.state(row) == "stopped"


def test_what_became_of_all_that_a_program_told_is_told(tmp_path: Path) -> None:
    lost = {"kernel": 5, "limit": 0, "loader": 0, "spool": 1}
    counts = {"written": 7, "lost": lost, "killed": 1, "first": 2, "removed": 3}
    place = ("demo", "hello", "r1")
    seen = parse(
        [
            ("program", "demo", "hello", "r1", ""),
            ("release", *place, "cafe", "cafe"),
            ("counts", *place, json.dumps(counts)),
        ]
    )
    (row,) = status.rows("web1", "demo", [("demo", "hello")], seen, tmp_path)
    assert row.tally is not None
    assert (row.tally.fired, row.tally.written, row.tally.collected) == (13, 4, 0)
    assert row.tally.lost == {"kernel": 5, "limit": 0, "loader": 0, "spool": 4}


def test_why_a_release_does_not_start_and_how_often_it_was_restarted_is_told() -> None:
    place = ("demo", "hello", "r1")
    counts = {"written": 7, "lost": {}, "killed": 4, "first": 1, "removed": 0}
    failure = {"stage": "attach", "message": "given up after 10 tries: no such function"}
    seen = parse(
        [
            ("program", "demo", "hello", "r1", ""),
            ("release", *place, "cafe", "cafe"),
            ("counts", *place, json.dumps(counts)),
            ("failure", *place, json.dumps(failure)),
        ]
    )
    (row,) = status.rows("web1", "demo", [("demo", "hello")], seen, Path("/nowhere"))
    assert (row.state, row.restarts) == ("stopped", 4)
    assert row.failure == "given up after 10 tries: no such function"


def test_why_a_first_release_was_never_ready_is_told() -> None:
    failure = {"stage": "load", "message": "the verifier refused it"}
    seen = parse(
        [
            ("program", "demo", "hello", "", ""),
            ("release", "demo", "hello", "r1", "cafe", "cafe"),
            ("failure", "demo", "hello", "r1", json.dumps(failure)),
        ]
    )
    (row,) = status.rows("web1", "demo", [("demo", "hello")], seen, Path("/nowhere"))
    assert (row.state, row.failure) == ("stopped", "the verifier refused it")
