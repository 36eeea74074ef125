"""All that others say, changed at random: each reader takes it, or says why not (tests/fuzz)."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleetbpf.limits import MIB
from tests.fuzz import table
from tests.fuzz.mutants import mutant, originals
from tests.fuzz.mutation import change_text
from tests.fuzz.target import Target
from tests.fuzz.worker import MOST, Outcome, run
from tests.hostile import honest
from tests.tools import need

ROOT = Path(__file__).parents[2]
EACH = int(os.environ.get("MUTATIONS", "900"))  # texts for a reader, on average
NEEDS_CLANG = ("object", "kernel-types", "packed-types")


def test_mutants_are_taken_or_refused_and_nothing_else(tmp_path: Path) -> None:
    """No traceback, no hang, no memory beyond the limits; the words to see one again are told."""
    need("clang")
    cases = str(EACH * len(table.TARGETS))
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", "--cases", cases, "--workers", "1"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for name in table.TARGETS:
        assert f"\n{name} " in done.stderr


@pytest.mark.parametrize("name", table.TARGETS)
def test_each_reader_takes_a_true_text(name: str, tmp_path: Path) -> None:
    """Else its mutants would be refused for a fault that they all have."""
    if name in NEEDS_CLANG:
        need("clang")
    target, taken = table.TARGETS[name], 0
    for number, original in enumerate(originals(target)):
        place = tmp_path / str(number)
        place.mkdir()
        try:
            target.read(original, place)
        except target.refused:
            continue
        taken += 1
    assert taken >= len(originals(target)) * 0.4


def test_a_seed_names_one_text() -> None:
    target = table.TARGETS["facts"]
    texts = [mutant(target, seed) for seed in range(50)]
    assert texts == [mutant(target, seed) for seed in range(50)]
    assert len(set(texts)) > 40


def fault(content: bytes) -> object:
    """A reader with a fault of each kind, by what the text begins with."""
    match content[:1]:
        case b"t":
            return int("no number")
        case b"h":
            while True:
                pass
        case b"g":
            return len(bytearray(MOST + MIB))
        case _:
            raise LookupError


def found(beginning: bytes, folder: Path, *, seconds: float = 30.0) -> Outcome:
    """What is found when that reader reads texts that begin so."""
    target = Target(
        name="faulty",
        originals=lambda: [honest.SEGMENT],
        read=lambda content, _: fault(beginning + content),
        refused=(LookupError,),
        mutate=change_text,
    )
    return run(target, range(2), folder, seconds=seconds)


@pytest.mark.parametrize(
    ("beginning", "kind", "place"),
    [
        (b"t", "traceback", "hostile/test_fuzzed_readers.py:"),
        (b"h", "hang", "hostile/test_fuzzed_readers.py:"),
        (b"g", "growth", "faulty"),
    ],
)
def test_each_kind_of_fault_is_found(
    beginning: bytes, kind: str, place: str, tmp_path: Path
) -> None:
    outcome = found(beginning, tmp_path, seconds=0.2 if kind == "hang" else 30.0)
    assert {each.kind for each in outcome.findings} == {kind}
    assert outcome.findings[0].place.startswith(place)
    assert outcome.findings[0].seed == 0


def test_a_fault_is_told_once_with_the_words_to_see_it_again(tmp_path: Path) -> None:
    total = table.Total()
    told = [table.told(each) for each in total.add(found(b"t", tmp_path))]
    assert len(told) == 1
    assert told[0].endswith("python -m tests.fuzz --cases 1 --only faulty --first 0")
    assert found(b"", tmp_path).refused == 2


def test_a_reader_that_takes_none_of_many_texts_has_tried_nothing() -> None:
    total = table.Total()
    some = Outcome(target="some", taken=1, refused=table.ENOUGH)
    few = Outcome(target="few", refused=table.ENOUGH - 1)
    for outcome in (some, few, Outcome(target="none", refused=table.ENOUGH)):
        list(total.add(outcome))
    assert total.blind == ["none"]


def test_an_interrupted_run_keeps_what_was_read_and_goes_on_from_there() -> None:
    targets = {"history": table.TARGETS["history"]}
    plan = list(table.orders(targets, 0, 500))

    def interrupted() -> Iterator[table.Order]:
        yield from plan[:3]
        raise KeyboardInterrupt

    total = table.run(targets, interrupted(), tell=lambda _: None, workers=1)
    assert total.interrupted
    assert total.outcomes["history"].cases == total.done == 300
    assert list(table.without(total.done, iter(plan))) == plan[3:]


def test_a_run_has_as_many_texts_as_it_was_told_and_slow_readers_fewest() -> None:
    plan = list(table.orders(table.TARGETS, 0, 50_000))
    seeds = Counter[str]()
    for name, first, number in plan:
        assert first == seeds[name]  # each seed once
        seeds[name] += number
    assert 50_000 <= seeds.total() < 50_000 + len(table.TARGETS)
    assert {*seeds} == {*table.TARGETS}
    assert min(seeds.values()) == seeds["pattern"] > 50_000 / len(table.TARGETS) / 6
    assert list(table.orders(["pattern"], 7, 1)) == [("pattern", 7, 1)]


def test_the_table_tells_the_slowest_text_of_each_reader(tmp_path: Path) -> None:
    total = table.Total()
    assert not list(total.add(found(b"", tmp_path)))
    header, row, _ = table.lines(total)
    assert header.split()[-4:] == ["slowest", "ms", "peak", "MiB"]
    assert row.split()[-2].isdigit()
