"""Reasons: each thing that a release is made from, when it moved, is named."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fleetbpf.build.kernel_btf import KernelBtf
from fleetbpf.host.facts import FACTS, Question
from fleetbpf.model.target import DesiredConstant, DesiredHook, DesiredMetric, DesiredReadout
from fleetbpf.plan import moves
from fleetbpf.plan.release import Release
from tests.answers import told
from tests.unit.samples import release, running

BUILT = {
    "fleetbpf's runtime": "11",
    "flags": "22",
    "clang": "14.0.6 33",
    "source hello.bpf.c": "44",
    "header own.h": "55",
}


def reason(old: Release, new: Release) -> str:
    return moves.listed(moves.between(running(old), new))


@pytest.mark.parametrize(
    ("now", "told"),
    [
        ({"source hello.bpf.c": "x"}, "source hello.bpf.c"),
        ({"header own.h": "x"}, "header own.h"),
        ({"header other.h": "x"}, "header other.h (new)"),
        ({"flags": "x"}, "flags"),
        ({"clang": "16.0.1 x"}, "clang 14.0.6 → 16.0.1"),
        ({"clang": "14.0.6 x"}, "clang"),
        ({"fleetbpf's runtime": "x"}, "fleetbpf's runtime"),
    ],
)
def test_each_input_of_a_build_is_named_when_it_moves(now: dict[str, str], told: str) -> None:
    old, new = release("k0", inputs=BUILT), release("k1", inputs={**BUILT, **now})
    assert reason(old, new) == told


def test_a_header_that_is_no_longer_included_is_named() -> None:
    new = release("k1", inputs={name: BUILT[name] for name in BUILT if name != "header own.h"})
    assert reason(release("k0", inputs=BUILT), new) == "header own.h (gone)"


def test_a_shared_map_whose_shape_moved_is_named_first() -> None:
    name = "shape of the pinned map counts"
    old = release("k0", inputs={**BUILT, name: "1"})
    new = {"source hello.bpf.c": "x"}
    assert reason(old, release("k1", inputs={name: "2", **BUILT, **new})) == (
        f"{name}, source hello.bpf.c"
    )
    assert reason(old, release("k1", inputs={**BUILT, **new})) == "source hello.bpf.c"


def test_where_a_host_does_not_know_the_inputs_the_program_is_named() -> None:
    assert reason(release("k0"), release("k1", inputs=BUILT)) == "the program"


HOOK = DesiredHook(function="f", first_of=("kprobe/a",))
COUNTS = DesiredReadout(map="counts", every=5.0)
METRIC = DesiredMetric(name="n", type="counter", help="h")


@pytest.mark.parametrize(
    ("was", "now", "told"),
    [
        (
            {"constants": (DesiredConstant(path=("min_uid",), value=1000),)},
            {"constants": (DesiredConstant(path=("min_uid",), value=2000),)},
            "constant min_uid 1000 → 2000",
        ),
        (
            {},
            {"constants": (DesiredConstant(path=("text",), value="a\nb --set c"),)},
            "constant text a\\nb --set c (new)",
        ),
        (
            {"hooks": (HOOK,)},
            {"hooks": (replace(HOOK, first_of=("kprobe/b", "kprobe/c"), optional=True),)},
            "hook of f kprobe/a → kprobe/b or kprobe/c optional",
        ),
        ({"hooks": (HOOK,)}, {}, "hook of f kprobe/a (gone)"),
        (
            {"hooks": (DesiredHook(function="f"),)},
            {"hooks": (DesiredHook(function="f", unless="g"),)},
            "hook of f its own section → its own section unless g",
        ),
        (
            {"readouts": (COUNTS,)},
            {"readouts": (replace(COUNTS, clear=True),)},
            "map counts 5 → 5,clear",
        ),
        (
            {"readouts": (COUNTS,)},
            {"readouts": (replace(COUNTS, metrics=(METRIC,)),)},
            "metric of map counts n,counter,help:h (new)",
        ),
        ({"trace_buffer": 1024}, {"trace_buffer": 4096}, "trace buffer 1.0 KiB → 4.0 KiB"),
        ({"spool_limit": 2**20}, {"spool_limit": 2**21}, "spool limit 1.0 MiB → 2.0 MiB"),
        ({}, {"rate_limit": 10}, "rate limit 10 (new)"),
        ({"record_limit": 512}, {}, "record limit 512 B (gone)"),
        ({}, {"textfile": "/metrics"}, "textfile /metrics (new)"),
        ({"memory_limit": 2**26}, {"memory_limit": 2**27}, "memory limit 64.0MiB → 128.0MiB"),
        ({"cpu_limit": 20}, {"cpu_limit": 30}, "cpu limit 20% → 30%"),
    ],
)
def test_each_argument_and_limit_is_named_when_it_moves(
    was: dict[str, Any], now: dict[str, Any], told: str
) -> None:
    assert reason(release(**was), release(**now)) == told


def test_other_types_of_the_kernel_are_named() -> None:
    types = KernelBtf(kernel="5.10", path=Path("x"), sha256="1")
    assert reason(release(), replace(release(), btf=types)) == "the kernel's types"


def test_of_many_moves_the_first_are_named() -> None:
    new = release("k1", inputs=dict.fromkeys(BUILT, "x") | {"clang": "15.0 1"})
    assert reason(release("k0", inputs=BUILT), new) == (
        "fleetbpf's runtime, flags, clang 14.0.6 → 15.0, source hello.bpf.c and 1 more"
    )


def test_the_same_release_has_no_moves() -> None:
    assert moves.between(running(release()), release()) == ()


def test_what_a_release_was_made_from_comes_back_from_the_host() -> None:
    of = release(inputs=BUILT, cpu_limit=20)
    about = of.about(loader_sha256="a", who="ann", when="now").decode().replace("\n", "")
    place = ("demo", "hello", of.id)
    rows = [
        ("program", "demo", "hello", of.id, ""),
        ("release", *place, "a", "a"),
        ("args", *place, *of.lines),
        ("about", *place, about),
    ]
    (found,) = told(FACTS, Question(), *rows).programs[0].releases
    assert (found.inputs, found.limits, found.args) == (BUILT, {"cpu": "20%"}, of.lines)


@pytest.mark.parametrize("about", ["[]", "{}", '{"inputs": 1, "limits": [], "types": null}', "x"])
def test_a_description_that_somebody_damaged_only_tells_less(about: str) -> None:
    rows = [("program", "d", "p", "r", ""), ("release", "d", "p", "r", "a", "a")]
    (found,) = told(FACTS, Question(), *rows, ("about", "d", "p", "r", about)).programs[0].releases
    assert (found.inputs, found.types) == ({}, ())
