"""What a host says of a program's maps, as records or as what went wrong."""

import pytest

from fleetbpf.errors import HostError
from fleetbpf.records import maps
from fleetbpf.records.maps import Question
from fleetbpf.records.records import Record
from tests.answers import told

QUESTION = Question(program="counts")
RECORD = '{"time":5,"kind":"map","map":"m","entries":[{"key":"a\\tb","value":1}]}'


HEAD = (("placed", "demo", "counts"), ("placed", "demo", "other"))
Rows = list[tuple[str, ...]]


def answer(*said: str, status: int = 0) -> Rows:
    return [*HEAD, ("program", "demo", "abc"), *((line,) for line in said), ("ended", f"{status}")]


def records(rows: Rows) -> tuple[Record, ...]:
    return maps.records(told(maps.MAPS, QUESTION, *rows), QUESTION, host="web1")


def problem(rows: Rows) -> str:
    with pytest.raises(HostError) as caught:
        records(rows)
    return str(caught.value)


def test_a_readout_is_records_with_the_walls_time() -> None:
    rows = answer('{"clock_offset_ns":100}', RECORD, RECORD)
    found = records(rows)
    assert len(found) == 2
    assert (found[0].deployment, found[0].release, found[0].time_ns) == ("demo", "abc", 105)
    assert found[0].fields == {"map": "m", "entries": [{"key": "a\tb", "value": 1}]}


def test_two_deployments_may_have_a_program_of_that_name() -> None:
    rows = answer('{"clock_offset_ns":0}', RECORD)
    others = [("program", "second", "def"), *rows[3:]]
    found = records([*rows, *others])
    assert [record.deployment for record in found] == ["demo", "second"]


def test_a_program_that_is_not_there_is_told_with_the_one_that_was_meant() -> None:
    assert problem([("placed", "demo", "count")]) == (
        "web1: there is no program `counts`\n  hint: did you mean `count`?"
    )
    assert problem([]) == "web1: there is no program `counts`\n  hint: apply a manifest"


def test_a_program_that_does_not_run_is_told() -> None:
    assert problem(answer("counts: counts does not run", status=1)) == "web1: counts does not run"


def test_the_loaders_hint_is_kept() -> None:
    said = ("counts: --map mm: counts has no such map", "  hint: its maps: m")
    assert problem(answer(*said, status=1)) == (
        "web1: mm: counts has no such map\n  hint: its maps: m"
    )


def test_a_loader_of_an_older_release_is_told() -> None:
    said = ("counts: unknown option: --dump", "  hint: --help lists what there is")
    assert "hint: apply its manifest again" in problem(answer(*said, status=2))


def test_an_answer_that_was_cut_off_is_told() -> None:
    assert "it was cut off" in problem(answer('{"clock_offset_ns":100}')[:-1])
