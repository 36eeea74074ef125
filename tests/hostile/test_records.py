"""Records that no loader wrote: each is told as torn, and every other one as ever."""

import json
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from fleetbpf.cli.maps import tell
from fleetbpf.cli.output import Output
from fleetbpf.model.facts import Counts
from fleetbpf.records import tally
from fleetbpf.records.records import Reader, Record, as_json, lines
from tests.hostile import honest

ODD = (
    '{"time":"x","kind":"trace"}',
    '{"time":-1,"kind":"trace","text":"before the boot"}',
    '{"time":99999999999999999999999999,"kind":"trace"}',
    '{"time":null,"kind":"trace"}',
    '{"time":1e999,"kind":"trace"}',
    '{"time":1,"kind":"trace","cpu":"x"}',
    '{"time":1,"kind":["trace"]}',
    '{"time":1}',
    '{"time":1,"kind":"event","data":[1]}',
    '{"time":1,"kind":"map","map":"m"}',
    '{"time":1,"kind":"map","map":"m","entries":[{"key":1}]}',
    '{"time":1,"kind":"map","map":"m","entries":[{"key":1,"buckets":[[1,2,3]]}]}',
    '{"time":1,"kind":"map","map":"m","histogram":"log2","entries":[{"key":1,"buckets":[[1]]}]}',
    '{"time":1,"kind":"map","map":"m","histogram":1,"entries":[{"key":1,"buckets":[]}]}',
    '{"kind":"map","map":"m","histogram":"","entries":[{"key":1,"buckets":[[1,2,-9],[3,4,-1]]}]}',
    '{"time":1,"kind":"map","map":"m","entries":[{"key":1,"value":2,"stacks":{"a":5}}]}',
    '{"time":1,"kind":"start","attached":[1]}',
    '{"time":1,"kind":"start","attached":[{"function":"f"}]}',
    '{"time":1,"kind":"lost"}',
    '{"time":1,"kind":"lost","place":"spool","count":"x"}',
    '{"time":1,"kind":"lost","place":"spool","count":1,"segment":"../../x"}',
    '{"time":1,"kind":"handoff"}',
    '{"time":1,"kind":"clock"}',
    '{"time":1,"kind":"clock","clock_offset_ns":99999999999999999999}',
    '{"fleetbpf":1}',
    '{"fleetbpf":1,"clock_offset_ns":1,"start_ns":1,"units":{"events":{"took":{}}}}',
    "[" * 100_000,
    '"text"',
    "{}",
    "9" * 5000,
)


def mirror(folder: Path, *odd: str) -> Path:
    """A mirrored segment with odd lines in the middle of its records."""
    place = folder / "web1" / "demo" / "hello" / "r1"
    place.mkdir(parents=True)
    first, *rest = honest.SEGMENT.splitlines(keepends=True)
    middle = "".join(f"{line}\n" for line in odd).encode()
    (place / "00000001.log").write_bytes(b"".join((first, *rest[:5], middle, *rest[5:])))
    return place


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_record_is_told_as_torn_and_hides_no_other(odd: str, tmp_path: Path) -> None:
    mirror(tmp_path, odd)
    found = Reader(logs=tmp_path, host="web1").news()
    assert sum(record.kind == "torn" for record in found) == 1
    assert len(found) == len(honest.RECORDS) + 1
    texts = [line for record in found for line in lines(record)]
    assert sum("LOST 1" in text for text in texts) == 1
    assert json.dumps([as_json(record) for record in found])


def test_what_is_whole_and_no_record_is_not_told_as_cut_off(tmp_path: Path) -> None:
    mirror(tmp_path, '{"time":"x","kind":"trace"}')
    (record,) = (each for each in Reader(logs=tmp_path, host="web1").news() if each.kind == "torn")
    (text,) = lines(record)
    assert text.endswith("-- LOST 1, 27 bytes that are no record of fleetbpf")


def test_numbers_beyond_all_units_are_told_as_they_are(tmp_path: Path) -> None:
    huge = 10**400
    mirror(
        tmp_path, json.dumps({"time": 1, "kind": "event", "ring": "events", "data": {"took": huge}})
    )
    found = Reader(logs=tmp_path, host="web1").news()
    assert any(str(huge) in line for record in found for line in lines(record))


def test_files_of_other_names_beside_segments_are_not_counted(tmp_path: Path) -> None:
    place = mirror(tmp_path)
    (place / "evil.log").write_text("x\n")
    (place / "²1.log").write_text("x\n")
    counts = Counts(written=6, lost={}, killed=0, first=1, removed=0)
    assert tally.of(counts, place).collected <= 6


def test_a_readout_that_is_none_is_told_as_torn(capsys: pytest.CaptureFixture[str]) -> None:
    fields = {"bytes": 5, "why": "no record of fleetbpf"}
    torn = Record(
        host="web1",
        deployment="demo",
        program="hello",
        release="r1",
        time_ns=0,
        kind="torn",
        fields=fields,
    )
    tell(Output(), torn)
    assert "LOST 1, 5 bytes that are no record" in capsys.readouterr().out


@pytest.mark.parametrize(
    "line",
    [
        {"time": 9, "kind": "lost", "place": "spool", "count": 1, "segment": 1},
        {"time": 9, "kind": "handoff", "from": "r0", "since": 0, "at": 9},
    ],
)
def test_what_is_told_again_and_again_costs_no_more_each_time(
    line: Mapping[str, object], tmp_path: Path
) -> None:
    """Each loss read a whole segment, and each handoff went through all records before it."""
    place = mirror(tmp_path, *[json.dumps(honest.RECORDS[1])] * 5_000)
    first = honest.SEGMENT.partition(b"\n")[0]
    again = [first, *[json.dumps(line).encode()] * 10_000]
    (place / "00000002.log").write_bytes(b"\n".join(again) + b"\n")
    began = time.process_time()
    Reader(logs=tmp_path, host="web1").news()
    assert time.process_time() - began < 10


def test_a_wide_cell_does_not_widen_every_row(capsys: pytest.CaptureFixture[str]) -> None:
    Output().table(("A", "B"), [("x" * 100_000, "y"), *[("z", "y")] * 1_000])
    assert len(capsys.readouterr().out) < 1_000_000
