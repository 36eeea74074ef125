"""The sums: what was fired is what was written and what was lost, wherever it is by now."""

import json
from pathlib import Path

from fleetbpf.model.facts import Counts
from fleetbpf.records import tally

LOST = {"kernel": 5, "limit": 2, "loader": 0, "spool": 1}


def segment(folder: Path, number: int, output: int, tail: str = "") -> None:
    lines = [
        {"fleetbpf": 1, "segment": number},
        {"time": 1, "kind": "start"},
        *({"time": 2, "kind": "event", "data": {"kind": "lost"}} for _ in range(output)),
        {"time": 3, "kind": "lost", "place": "kernel", "count": 5},
    ]
    text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
    (folder / f"{number:08d}.log").write_text(text + tail)


def counts(*, written: int, first: int = 1, removed: int = 0) -> Counts:
    return Counts(written=written, lost=LOST, killed=0, first=first, removed=removed)


def test_nothing_has_been_collected(tmp_path: Path) -> None:
    told = tally.of(counts(written=10), tmp_path / "nothing")
    assert (told.fired, told.written, told.collected) == (18, 10, 0)
    assert told.lost == LOST


def test_all_has_been_collected(tmp_path: Path) -> None:
    segment(tmp_path, 1, 6)
    segment(tmp_path, 2, 4)
    assert tally.of(counts(written=10), tmp_path).collected == 10


def test_a_record_that_has_not_come_whole_is_not_collected(tmp_path: Path) -> None:
    segment(tmp_path, 1, 6, tail='{"time":4,"kind":"ev')
    assert tally.of(counts(written=10), tmp_path).collected == 6


def test_what_was_removed_before_it_was_collected_was_lost_in_the_spool(tmp_path: Path) -> None:
    segment(tmp_path, 1, 2)  # of 4: the rest went with the host's segment
    segment(tmp_path, 3, 5)
    told = tally.of(counts(written=12, first=3, removed=7), tmp_path)
    assert (told.fired, told.written, told.collected) == (20, 7, 7)
    assert told.lost == {**LOST, "spool": 6}


def test_what_came_here_after_the_loader_counted_is_not_too_much(tmp_path: Path) -> None:
    segment(tmp_path, 1, 12)
    assert tally.of(counts(written=10), tmp_path).collected == 10
