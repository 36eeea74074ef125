"""What maps are made of, what a manifest may ask of them, and how they look on a terminal."""

from dataclasses import replace
from typing import Any

import pytest

from fleetbpf.manifest import readouts
from fleetbpf.model import btf
from fleetbpf.model.description import Description, Map
from fleetbpf.model.target import DesiredMetric, DesiredReadout
from fleetbpf.objects import map_shapes
from fleetbpf.objects.map_shapes import Run, SlotsPlace
from fleetbpf.records import map_text
from tests.unit import samples


def integer(name: str, size: int) -> btf.Integer:
    return btf.Integer(name=name, size=size, bits=8 * size, signed=False, boolean=False)


def member(name: str, kind: int, byte: int, *, bits: int = 0) -> btf.Member:
    return btf.Member(name=name, type=kind, bit_offset=8 * byte, bit_size=bits)


def structure(size: int, *members: btf.Member, union: bool = False) -> btf.Struct:
    return btf.Struct(name="s", size=size, union=union, members=members)


TYPES: btf.Types = {
    0: btf.Void(),
    1: integer("unsigned int", 4),
    2: integer("unsigned long", 8),
    3: integer("unsigned char", 1),
    4: integer("char", 1),
    5: btf.Array(element=4, count=16),
    6: btf.Array(element=1, count=10),
    7: structure(16, member("packets", 2, 0), member("few", 3, 8), member("rest", 3, 9)),
    8: structure(20, member("comm", 5, 0), member("n", 1, 16)),
    9: structure(56, member("comm", 5, 0), member("slots", 6, 16)),
    10: structure(20, member("disk", 5, 0), member("slot", 1, 16)),
    11: structure(8, member("prefixlen", 1, 0), member("address", 1, 4)),
    12: btf.Array(element=3, count=16),
    13: structure(20, member("prefixlen", 1, 0), member("address", 12, 4)),
    14: btf.Array(element=7, count=2),
    15: structure(8, member("a", 1, 0), member("b", 2, 0), union=True),
    16: structure(4, member("a", 1, 0, bits=3)),
    17: btf.Alias(name="fleetbpf_ipv4", target=1),
    18: btf.Alias(name="fleetbpf_bytes", target=2),
    19: btf.Array(element=7, count=2000),
}


def a_map(type_: str, key: int | None, value: int | None, name: str = "m") -> Map:
    number = next(number for number, known in map_shapes.TYPES.items() if known == type_)
    return Map(
        name=name,
        type=number,
        key_type=key,
        value_type=value,
        key_size=4 if key is None else btf.size(TYPES, key),
        value_size=8 if value is None else btf.size(TYPES, value),
        max_entries=1,
    )


@pytest.mark.parametrize(
    ("value", "runs"),
    [
        (1, (Run(size=4),)),
        (6, (Run(size=4, count=10),)),
        (7, (Run(size=8), Run(offset=8, size=1), Run(offset=9, size=1))),
        (18, (Run(size=8),)),
        (None, (Run(size=8),)),
        (4, ()),
        (5, ()),
        (8, ()),
        (15, ()),
        (16, ()),
        (17, ()),
        (19, ()),
    ],
)
def test_integers_can_be_added_up(value: int | None, runs: tuple[Run, ...]) -> None:
    assert map_shapes.runs(TYPES, a_map("percpu_hash", 1, value)) == runs


def test_an_array_of_structs_is_all_their_integers() -> None:
    found = map_shapes.runs(TYPES, a_map("percpu_hash", 1, 14))
    assert [run.offset for run in found] == [0, 8, 9, 16, 24, 25]


@pytest.mark.parametrize(
    ("key", "value", "place", "run"),
    [
        (1, 2, SlotsPlace.IN_KEY, Run(size=4)),
        (None, None, SlotsPlace.IN_KEY, Run(size=4)),
        (10, 2, SlotsPlace.IN_KEY, Run(offset=16, size=4)),
        (5, 6, SlotsPlace.IN_VALUE, Run(size=4, count=10)),
        (5, 9, SlotsPlace.IN_VALUE, Run(offset=16, size=4, count=10)),
        (5, 2, SlotsPlace.NONE, Run(size=0, count=0)),
        (1, 7, SlotsPlace.NONE, Run(size=0, count=0)),
        (10, 5, SlotsPlace.NONE, Run(size=0, count=0)),
    ],
)
def test_slots_are_in_keys_or_values(
    key: int | None, value: int | None, place: SlotsPlace, run: Run
) -> None:
    found = map_shapes.slots(TYPES, a_map("hash", key, value))
    assert (found.place, found.run) == (place, run)


def test_the_rest_of_a_key_with_a_slot_is_its_group() -> None:
    found = map_shapes.slots(TYPES, a_map("hash", 10, 2))
    assert [each.name for each in found.group] == ["disk"]


@pytest.mark.parametrize(
    ("type_", "key", "prefix"),
    [
        ("lpm_trie", 11, True),
        ("lpm_trie", 13, True),
        ("lpm_trie", 10, False),
        ("lpm_trie", None, False),
        ("hash", 11, False),
    ],
)
def test_a_prefix_is_a_length_and_an_address(type_: str, key: int | None, prefix: bool) -> None:
    assert map_shapes.is_prefix(TYPES, a_map(type_, key, 1)) is prefix


DESCRIPTION = Description(
    program="demo",
    functions=(),
    constants=(),
    maps=(
        a_map("percpu_hash", 1, 7, "traffic"),
        a_map("percpu_hash", 1, 8, "names"),
        a_map("array", 1, 2, "sizes"),
        a_map("hash", 8, 2, "stalls"),
        a_map("stack_trace", None, None, "stacks"),
        a_map("ringbuf", None, None, "events"),
        a_map("hash_of_maps", 1, 1, "nested"),
        a_map("hash", None, None, "untyped"),
        a_map("lpm_trie", 11, 2, "networks"),
        a_map("hash", 10, 2, "disks"),
        a_map("hash", 5, 9, "latencies"),
    ),
    prints=False,
    needs_btf=False,
    types=TYPES,
)


def told(name: str, **how: Any) -> list[str]:
    """What is wrong with one readout of a program that two hosts run."""
    readout = DesiredReadout(map=name, every=1, where="m.yml:6:7", **how)
    target = samples.target()
    target = replace(target, programs=(samples.program(readouts=(readout,)),))
    descriptions = {target.programs[0].recipe: DESCRIPTION}
    return [str(found) for found in readouts.problems((target, target), descriptions)]


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("traffic", {"sum": True, "clear": True}),
        ("sizes", {"histogram": "log2"}),
        ("stalls", {"stacks": (("key.n", "stacks"), ("value", "stacks"))}),
        ("untyped", {"stacks": (("key", "stacks"),)}),
        ("stacks", {}),
    ],
)
def test_what_a_map_can_do_is_no_problem(name: str, how: dict[str, Any]) -> None:
    assert told(name, **how) == []


@pytest.mark.parametrize(
    ("name", "how", "what"),
    [
        ("trafic", {}, "demo has no map `trafic`\n  hint: did you mean `traffic`?"),
        (
            "events",
            {},
            "`events` is a map that cannot be read out (ringbuf)\n  hint: a ring buffer",
        ),
        (
            "nested",
            {},
            "`nested` is a map that cannot be read out (hash_of_maps)\n  hint: hash, ar",
        ),
        ("sizes", {"sum": True}, "`sizes` is no per-CPU map: there is nothing to sum"),
        ("names", {"sum": True}, "the values of `names` cannot be added up\n  hint: integers,"),
        ("sizes", {"clear": True}, "`sizes` is no hash: it cannot be cleared without losing"),
        ("traffic", {"histogram": "log2"}, "`traffic` has no slots\n  hint: a slot is the key, a"),
        (
            "sizes",
            {"histogram": "log2", "stacks": (("key", "stacks"),)},
            "`sizes` is read as histograms, which show no stacks",
        ),
        ("stalls", {"stacks": (("key.n", "sizes"),)}, "`sizes` is no stack trace map"),
        ("stalls", {"stacks": (("key.m", "stacks"),)}, "`key` has no field `m`\n  hint: its field"),
        ("stalls", {"stacks": (("key.comm", "stacks"),)}, "`key.comm` is no number (char[16])"),
        ("untyped", {"stacks": (("key.a", "stacks"),)}, "`untyped` does not say the type of its k"),
    ],
)
def test_what_a_map_cannot_do_is_told_once_with_its_place(
    name: str, how: dict[str, Any], what: str
) -> None:
    (problem,) = told(name, **how)
    assert problem.startswith(f"m.yml:6:7: {what}")


def test_a_readout_is_spelled_as_the_loader_takes_it() -> None:
    plain = DesiredReadout(map="m", every=10)
    full = DesiredReadout(
        map="m", every=0.5, sum=True, clear=True, histogram="linear:5", stacks=(("key.s", "t"),)
    )
    assert (plain.words, full.words) == ("10", "0.5,sum,clear,linear:5,stack:key.s:t")


def test_a_histogram_is_drawn_with_its_empty_slots() -> None:
    entry = {"key": {"disk": "sda"}, "buckets": [[0, 1, 1], [8, 15, 40], [16, 31, 20]]}
    record = {"map": "latency", "histogram": "log2", "entries": [entry]}
    assert list(map_text.lines(record)) == [
        'latency[{"disk": "sda"}]',
        f"   0 .. 1    1 |{'@':<40}|",
        f"   2 .. 3    0 |{'':<40}|",
        f"   4 .. 7    0 |{'':<40}|",
        f"   8 .. 15  40 |{'@' * 40}|",
        f"  16 .. 31  20 |{'@' * 20:<40}|",
    ]


def test_a_long_gap_is_one_line() -> None:
    entry = {"key": None, "buckets": [[0, 1, 1], [2**63, 2**64 - 1, 1]]}
    record = {"map": "sizes", "histogram": "log2", "entries": [entry]}
    _, first, middle, last = map_text.lines(record)
    assert (first.split()[0], middle.split()[0], last.split()[0]) == ("0", "2", str(2**63))
    assert list(map_text.gap(1, 10**18, 1)) == [(1, 10**18 - 1, 0)]


def test_a_linear_histogram_has_slots_of_one_width() -> None:
    entry = {"key": None, "buckets": [[10, 19, 1], [40, 49, 1]]}
    record = {"map": "sizes", "histogram": {"linear": 10}, "entries": [entry]}
    bounds = [line.split("  ")[1] for line in list(map_text.lines(record))[1:]]
    assert bounds == ["10 .. 19", "20 .. 29", "30 .. 39", "40 .. 49"]


def test_a_table_has_a_column_for_each_field_and_the_greatest_value_first() -> None:
    entries = [{"key": {"pid": 1, "comm": "a b"}, "value": 2}, {"key": {"pid": 2}, "value": 3}]
    assert map_text.table({"entries": entries}) == (
        ["KEY.pid", "VALUE", "KEY.comm"],
        [["2", "3", ""], ["1", "2", "a b"]],
    )


def test_stacks_are_lines_under_their_entry() -> None:
    stacks = {"key.kernel": ["vfs_read+0x1", "0xff"], "key.user": None}
    record = {"map": "stalls", "entries": [{"key": 1, "value": 2, "stacks": stacks}]}
    assert list(map_text.lines(record)) == [
        "stalls[1] = 2",
        "    key.kernel:",
        "        vfs_read+0x1",
        "        0xff",
        "    key.user: no stack",
    ]


def test_a_map_that_could_not_be_read_whole_says_so() -> None:
    record = {"map": "m", "entries": [], "failed": "Cannot allocate memory"}
    assert list(map_text.lines(record)) == ["-- m could not be read whole: Cannot allocate memory"]


def metric_told(name: str, how: dict[str, Any], **metric: Any) -> list[str]:
    metric = {"name": "m_total", "type": "counter", **metric}
    return told(name, metrics=(DesiredMetric(**metric),), **how)


LOG2 = {"histogram": "log2"}


@pytest.mark.parametrize(
    ("name", "how", "metric"),
    [
        ("sizes", {}, {"labels": (("slot", "key"),)}),
        ("traffic", {"sum": True}, {"value": "value.packets", "labels": (("port", "key"),)}),
        ("traffic", {"sum": True, "clear": True}, {"value": "value.few", "type": "gauge"}),
        ("stalls", {}, {"labels": (("comm", "key.comm"), ("n", "key.n"))}),
        ("networks", {}, {"labels": (("network", "key"),)}),
        ("untyped", {}, {"labels": (("key", "key"),)}),
        ("sizes", LOG2, {"type": "histogram"}),
        ("disks", LOG2, {"type": "histogram", "labels": (("disk", "key.disk"),)}),
        ("latencies", LOG2, {"type": "histogram", "labels": (("disk", "key"),)}),
    ],
)
def test_a_map_may_be_a_metric(name: str, how: dict[str, Any], metric: dict[str, Any]) -> None:
    assert metric_told(name, how, **metric) == []


@pytest.mark.parametrize(
    ("name", "how", "metric", "what"),
    [
        ("sizes", LOG2, {}, "`sizes` is read as histogram, the metric is a counter"),
        ("sizes", {}, {"type": "histogram"}, "`sizes` is read as no histogram, the metric is a h"),
        ("stalls", {"clear": True}, {}, "a counter never goes back, and `stalls` is cleared"),
        ("traffic", {}, {"value": "value.few"}, "`traffic` has a value for each processor\n  hint"),
        ("stacks", {}, {}, "`stacks` holds stacks, which are no numbers"),
        ("traffic", {"sum": True}, {}, "`value` is no number (struct s)"),
        ("traffic", {"sum": True}, {"value": "value.fw"}, "`value` has no field `fw`\n  hint: did"),
        ("stalls", {}, {"labels": (("k", "key"),)}, "`key` is no single value (struct s)\n  hint"),
        ("stalls", {}, {"labels": (("k", "key.x"),)}, "`key` has no field `x`"),
        ("sizes", LOG2, {"type": "histogram", "labels": (("s", "key"),)}, "`key` does not tell hi"),
        (
            "disks",
            LOG2,
            {"type": "histogram", "labels": (("s", "key.slot"),)},
            "`key.slot` does not tell histograms apart\n  hint: these do: key.disk",
        ),
        (
            "disks",
            LOG2,
            {"type": "histogram", "labels": (("le", "key.disk"),)},
            "a histogram's label `le` is its buckets'",
        ),
    ],
)
def test_what_cannot_be_a_metric_is_told(
    name: str, how: dict[str, Any], metric: dict[str, Any], what: str
) -> None:
    (problem,) = metric_told(name, how, **metric)
    assert problem.startswith(f"m.yml:6:7: `m_total`: {what}")


def test_a_metric_is_spelled_as_the_loader_takes_it() -> None:
    metric = DesiredMetric(
        name="a_total",
        type="counter",
        help="all, of\nit",
        value="value.b",
        scale=1e-9,
        labels=(("p", "key"),),
    )
    words = "a_total,counter,value:value.b,scale:1e-09,label:p:key,help:all, of\nit"
    assert metric.words == words


def test_a_release_with_metrics_opens_their_folder() -> None:
    readout = DesiredReadout(map="m", every=1, metrics=(DesiredMetric(name="n", type="gauge"),))
    release = samples.release(readouts=(readout,), textfile="/var/lib/metrics")
    assert "--metric\nm=n,gauge,help:\n--textfile\n/var/lib/metrics\n" in release.args.decode()
    unit = release.unit.decode()
    assert "/spool -/var/lib/metrics\n" in unit
    assert " CAP_DAC_OVERRIDE" in unit
    assert " CAP_DAC_OVERRIDE" not in samples.release().unit.decode()
