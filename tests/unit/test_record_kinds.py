"""One vocabulary of records: its list in C, and all that must know each kind."""

import json
import re
from pathlib import Path

import pytest

from fleetbpf.model.facts import Counts
from fleetbpf.model.record import OF_LOADER, Kind, weight
from fleetbpf.records import tally
from fleetbpf.records.record_lines import SHAPES

HEADER = Path(__file__).parents[2] / "fleetbpf" / "runtime" / "spool" / "record.h"
WRITTEN: list[Kind] = [kind for kind in Kind if kind is not Kind.TORN]  # by loaders
TEXTS: dict[Kind, str] = {
    kind: json.dumps({"time": 1, "kind": kind, "count": 3}, separators=(",", ":"))
    for kind in WRITTEN
}


def test_both_languages_have_the_same_words() -> None:
    words = dict(re.findall(r'^#define FB_KIND_(\w+) "(\w+)"$', HEADER.read_text(), re.MULTILINE))
    assert words == {kind.name: kind.value for kind in WRITTEN}


def test_the_shape_of_every_kind_is_known() -> None:
    assert set(SHAPES) == set(WRITTEN)


@pytest.mark.parametrize("kind", WRITTEN)
def test_only_output_of_a_program_is_counted_as_collected(tmp_path: Path, kind: Kind) -> None:
    (tmp_path / "00000001.log").write_text(f'{{"fleetbpf":1}}\n{TEXTS[kind]}\n')
    output = kind not in OF_LOADER | {Kind.LOST}
    assert dict(tally.lines(tmp_path)) == {1: int(output)}


def test_what_a_loader_says_of_itself_hides_no_loss(tmp_path: Path) -> None:
    event = '{"time":2,"kind":"event"}\n'
    clock = '{"time":3,"kind":"clock","clock_offset_ns":7}\n'
    (tmp_path / "00000001.log").write_text('{"fleetbpf":1}\n' + event * 2 + clock)
    counts = Counts(written=3, lost={}, killed=0, first=2, removed=3)
    told = tally.of(counts, tmp_path)
    assert (told.lost, told.written, told.collected) == ({"spool": 1}, 2, 2)


def test_a_line_of_a_kind_that_is_not_known_is_output() -> None:
    assert weight("tomorrow", {}) == 1
