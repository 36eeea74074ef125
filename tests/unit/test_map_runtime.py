"""What becomes of a map's entries in the loader, under the sanitizers."""

import json
import struct
from pathlib import Path

import pytest

from tests import prometheus
from tests.prometheus import Family
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


def families(driver: Path, *words: str) -> dict[str, Family]:
    text = ask(driver, "metric", *words).decode()
    return {family.name: family for family in prometheus.families(text)}


@pytest.mark.parametrize(
    ("key", "label"),
    [
        ('"sh"', "sh"),
        ('""', ""),
        (r'"a\"b\\c"', 'a"b\\c'),
        (r'"a\nd\t\r\u0001\u000a\u007f\u009b\u00ff"', r"a\nd\t\r\x01\n\x7f\x9bÿ"),
        ('"a\x9bb\u061cc\u2028d\u202ee\u2066f\ufeff"', r"a\x9bb\u061cc\u2028d\u202ee\u2066f\ufeff"),
        ('"żółw 688.3µs 日本 🐝"', "żółw 688.3µs 日本 🐝"),
        ("12", "12"),
        ("true", "true"),
    ],
)
def test_any_key_becomes_a_label(driver: Path, key: str, label: str) -> None:
    (sample,) = families(driver, "m,gauge,label:k:key", "0", key, "1")["m"].samples
    assert sample.labels == {"k": label}


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("0", 0),
        ("-5", -5),
        ("18446744073709551615", 1.8446744073709552e19),
        ("9007199254740991", 9007199254740991),
        ("1.5", 1.5),
        ("true", 1),
        ("false", 0),
    ],
)
def test_a_value_becomes_a_number(driver: Path, value: str, number: float) -> None:
    (sample,) = families(driver, "m,gauge", "0", "1", value)["m"].samples
    assert sample.value == number


@pytest.mark.parametrize("value", ['"text"', "null", "[1]", "{}", "", "nan", "1x"])
def test_what_is_no_number_is_no_sample(driver: Path, value: str) -> None:
    assert families(driver, "m,gauge", "0", "1", value)["m"].samples == []


def test_a_help_may_hold_anything(driver: Path) -> None:
    words = "m_total,counter,help:a, label:x:key\nand \\n too"
    family = families(driver, words, "0", "1", "2")["m"]
    assert (family.type, family.documentation) == ("counter", "a, label:x:key\nand \\n too")


def test_a_histogram_goes_up_to_its_highest_slot_in_every_group(driver: Path) -> None:
    words = ("h,histogram,scale:0.1,label:d:key.d", "10")
    entries = ('{"d":"a","n":1}', "0:2", '{"d":"a","n":2}', "0:1", '{"d":"b"}', "2:5")
    found = families(driver, *words, *entries)["h"].samples
    read = {(s.name, s.labels["d"], s.labels.get("le", "")): s.value for s in found}
    assert read == {
        **{("h_bucket", "a", le): 3 for le in ("0.9", "1.9", "2.9", "+Inf")},
        **{("h_bucket", "b", le): 0 for le in ("0.9", "1.9")},
        **{("h_bucket", "b", le): 5 for le in ("2.9", "+Inf")},
        ("h_count", "a", ""): 3,
        ("h_count", "b", ""): 5,
        ("h_sum", "a", ""): pytest.approx(3 * 0.45),
        ("h_sum", "b", ""): pytest.approx(5 * 2.45),
    }


def test_slots_that_nobody_would_list_are_in_the_last_bucket(driver: Path) -> None:
    found = families(driver, "h,histogram", "1", "1", "1:1", "1", "4000000000:2")["h"].samples
    buckets = [sample for sample in found if sample.name == "h_bucket"]
    assert len(buckets) == 257
    assert (buckets[-2].value, buckets[-1].value) == (1, 3)


@pytest.mark.parametrize(
    "words",
    ["m", "m,", "1m,gauge", "m,gauge,label:x", "m,gauge,label:x-y:key", "m,gauge,x:y"],
)
def test_words_that_are_none_are_refused(driver: Path, words: str) -> None:
    said = ask(driver, "metric", words, "0").decode()
    assert said == f"--metric m={words}: cannot be understood"
