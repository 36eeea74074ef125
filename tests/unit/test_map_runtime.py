"""What becomes of a map's entries in the loader, under the sanitizers."""

import json
import struct
from pathlib import Path

import pytest

from tests.unit.sanitized import ask, compile_objects, link_driver


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("maps")
    return link_driver(folder, compile_objects(folder))


KEY = '{"a":{"b":[1,"x,]}\\"",{"c":-5}]},"ab":true,"d":"10.0.0.0/8"}'


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("key", KEY),
        ("value", "42"),
        ("key.a", '{"b":[1,"x,]}\\"",{"c":-5}]}'),
        ("key.a.b[0]", "1"),
        ("key.a.b[1]", '"x,]}\\""'),
        ("key.a.b[2].c", "-5"),
        ("key.ab", "true"),
        ("key.d", '"10.0.0.0/8"'),
        ("key.b", ""),
        ("key.a.b[3]", ""),
        ("key.a[0]", ""),
        ("value.x", ""),
        ("value[0]", ""),
    ],
)
def test_a_value_is_picked_out_of_an_entry(driver: Path, path: str, found: str) -> None:
    assert ask(driver, "pick", path, KEY, "42").decode() == f"{found}\n"


@pytest.mark.parametrize("path", ["key.a.b[2].c", "key[1]", "key.a", "key"])
def test_half_of_an_entry_does_no_harm(driver: Path, path: str) -> None:
    for length in range(len(KEY)):
        ask(driver, "pick", path, KEY[:length], "")


def test_counts_are_brought_together_by_group_and_slot(driver: Path) -> None:
    words = (*("b", "3", "1"), *("a", "0", "2"), *("b", "3", "4"), *("b", "0", "1"))
    found = json.loads(ask(driver, "histograms", "0", *words))
    assert found == {"a": [[0, 1, 2]], "b": [[0, 1, 1], [8, 15, 5]]}


def test_a_group_that_begins_like_another_is_another(driver: Path) -> None:
    words = (*("aa", "1", "1"), *("a", "1", "2"), *("aab", "1", "3"), *("aa", "1", "4"))
    found = json.loads(ask(driver, "histograms", "0", *words))
    assert found == {"a": [[2, 3, 2]], "aa": [[2, 3, 5]], "aab": [[2, 3, 3]]}


def test_slots_without_a_count_are_left_out(driver: Path) -> None:
    assert json.loads(ask(driver, "histograms", "0", "a", "1", "0")) == {}


@pytest.mark.parametrize(
    ("step", "slot", "bounds"),
    [
        ("0", "0", [0, 1]),
        ("0", "1", [2, 3]),
        ("0", "62", [2**62, 2**63 - 1]),
        ("0", "63", [2**63, 2**64 - 1]),
        ("0", "64", [2**64 - 1, 2**64 - 1]),
        ("10", "0", [0, 9]),
        ("10", "7", [70, 79]),
        ("9223372036854775808", "1", [2**63, 2**64 - 1]),
        ("9223372036854775808", "2", [2**64 - 1, 2**64 - 1]),
    ],
)
def test_a_slot_has_bounds(driver: Path, step: str, slot: str, bounds: list[int]) -> None:
    assert json.loads(ask(driver, "histograms", step, "g", slot, "5")) == {"g": [[*bounds, 5]]}


def test_a_stack_ends_at_its_first_zero(driver: Path) -> None:
    frames = struct.pack("<4Q", 0x1000, 2**64 - 4096, 0, 0x2000)
    assert json.loads(ask(driver, "stack", stdin=frames)) == ["0x1000", "0xfffffffffffff000"]


def test_a_stack_may_be_full_or_cut(driver: Path) -> None:
    assert json.loads(ask(driver, "stack", stdin=struct.pack("<Q", 16))) == ["0x10"]
    assert json.loads(ask(driver, "stack", stdin=b"\1\2\3")) == []
