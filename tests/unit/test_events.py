"""Ring buffers and the structs in their records, found in BTF."""

from fleetbpf.model import btf
from fleetbpf.model.description import EventStruct, Map, Ring
from fleetbpf.objects import events

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


def test_a_ring_knows_the_struct_of_its_definition() -> None:
    assert events.rings(TYPES, MAPS) == (Ring(name="events", struct="event"), Ring(name="raw"))


def test_structs_that_the_source_names_may_be_events() -> None:
    assert events.structs(TYPES, MAPS) == (
        EventStruct(name="event", type=2, size=4),
        EventStruct(name="plain_t", type=4, size=4),
        EventStruct(name="tailed", type=7, size=4, tail="rest"),
    )


def test_a_struct_that_is_asked_for_may_be_any_of_the_objects() -> None:
    assert "kernels" in {each.name for each in events.structs(TYPES, MAPS, ["kernels"])}


def test_a_perf_event_array_is_a_ring_too() -> None:
    assert events.rings(TYPES, [a_map("perf", events.PERF, None)]) == (
        Ring(name="perf", perf=True),
    )


def test_an_object_without_a_ring_has_no_events() -> None:
    assert events.structs(TYPES, MAPS[:1]) == ()
