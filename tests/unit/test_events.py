"""Ring buffers and the structs in their records: found in BTF, and asked for by a manifest."""

from dataclasses import replace
from pathlib import Path

import pytest

from fleetbpf import btf, events
from fleetbpf.model.description import Description, EventStruct, Map, Ring
from fleetbpf.model.recipe import Recipe
from fleetbpf.model.target import DesiredEvent, Target
from tests.unit import samples

INT = btf.Integer(name="int", size=4, bits=32, signed=True, boolean=False)


def structure(name: str, *members: btf.Member, size: int = 4) -> btf.Struct:
    return btf.Struct(name=name, size=size, union=False, members=members)


def member(name: str, kind: int, byte: int = 0) -> btf.Member:
    return btf.Member(name=name, type=kind, bit_offset=byte * 8, bit_size=0)


def a_map(name: str, kind: int, value: int | None) -> Map:
    return Map(
        name=name,
        type=kind,
        key_type=None,
        value_type=value,
        key_size=0,
        value_size=4,
        max_entries=1,
    )


# struct event; typedef struct {…} plain_t; struct tailed {int n; char rest[];};
# const struct tailed *unused; int a_number; struct kernels, which only a function uses
TYPES: btf.Types = {
    0: btf.Void(),
    1: INT,
    2: structure("event", member("pid", 1)),
    3: structure("", member("uid", 1)),
    4: btf.Alias(name="plain_t", target=3),
    5: structure("tailed", member("n", 1), member("rest", 6, 4)),
    6: btf.Array(element=1, count=0),
    7: btf.Alias(name="", target=5),
    8: btf.Pointer(target=7),
    9: btf.Variable(name="unused", type=8, static=False),
    10: btf.Variable(name="a_number", type=1, static=False),
    11: structure("kernels", member("pid", 1)),
}
MAPS = (a_map("heap", 2, 4), a_map("events", events.RINGBUF, 2), a_map("raw", 27, None))

DESCRIPTION = Description(
    program="execs",
    functions=(),
    constants=(),
    maps=MAPS,
    prints=False,
    needs_btf=False,
    types={},
    rings=events.rings(TYPES, MAPS),
    events=events.structs(TYPES, MAPS),
)


def test_a_ring_knows_the_struct_of_its_definition() -> None:
    assert DESCRIPTION.rings == (Ring(name="events", struct="event"), Ring(name="raw"))


def test_structs_that_the_source_names_may_be_events() -> None:
    assert DESCRIPTION.events == (
        EventStruct(name="event", type=2, size=4),
        EventStruct(name="plain_t", type=4, size=4),
        EventStruct(name="tailed", type=7, size=4, tail="rest"),
    )


def test_an_object_without_a_ring_has_no_events() -> None:
    assert events.structs(TYPES, MAPS[:1]) == ()


@pytest.mark.parametrize(
    ("ring", "struct", "what", "hint"),
    [
        ("event", "", "execs has no ring buffer `event`", "its ring buffers: events, raw"),
        (
            "raw",
            "",
            "the ring buffer `raw` does not say what is in it",
            "name one: event, plain_t, tailed",
        ),
        (
            "raw",
            "kernels",
            "the object's BTF has no struct `kernels` for events",
            (
                "it has event, plain_t, tailed; a struct gets there by "
                "`__type(value, struct kernels)` in the ring buffer's definition"
            ),
        ),
    ],
)
def test_events_that_a_program_does_not_have_are_told_with_their_place(
    ring: str, struct: str, what: str, hint: str
) -> None:
    target = asking(DesiredEvent(ring=ring, struct=struct, where="execs.yml:6:7"))
    source = target.programs[0].source
    (problem,) = events.problems((target, target), {Recipe(source=source): DESCRIPTION})
    assert (problem.where, problem.what, problem.hint) == ("execs.yml:6:7", what, hint)


@pytest.mark.parametrize(
    ("ring", "struct"), [("events", ""), ("events", "tailed"), ("raw", "event")]
)
def test_events_that_a_program_has_are_no_problem(ring: str, struct: str) -> None:
    target = asking(DesiredEvent(ring=ring, struct=struct))
    assert events.problems((target,), {Recipe(source=Path("/m/hello.bpf.c")): DESCRIPTION}) == ()


def test_a_release_is_another_one_with_another_struct() -> None:
    one, other = (samples.release(events=(DesiredEvent(ring="r", struct=s),)) for s in ("a", "b"))
    assert one.id != other.id
    assert "--event\nr=a\n" in one.args.decode()


def test_a_release_does_not_depend_on_the_manifests_lines() -> None:
    one, other = (samples.release(events=(DesiredEvent(ring="r", where=w),)) for w in ("1", "2"))
    assert one.id == other.id


def asking(event: DesiredEvent) -> Target:
    target = samples.target()
    return replace(target, programs=(samples.program(events=(event,)),))
