"""Ring buffers and the structs that their records may hold: what an object has."""

from collections.abc import Iterable, Iterator, Sequence

from fleetbpf.model import btf
from fleetbpf.model.btf import Types
from fleetbpf.model.description import EventStruct, Map, Ring

RINGBUF = 27  # BPF_MAP_TYPE_RINGBUF
PERF = 4  # BPF_MAP_TYPE_PERF_EVENT_ARRAY


def rings(types: Types, maps: Sequence[Map]) -> tuple[Ring, ...]:
    """The ring buffers and the perf event arrays among `maps`."""
    return tuple(
        Ring(name=item.name, struct=struct_name(types, item.value_type), perf=item.type == PERF)
        for item in maps
        if item.type in {RINGBUF, PERF}
    )


def structs(
    types: Types, maps: Sequence[Map], asked_for: Iterable[str] = ()
) -> tuple[EventStruct, ...]:
    """The structs that a record may hold; of two of one name the first.

    What the source itself names: the value of a map, the type of a global or what it points to.
    Not every struct of the BTF, which with vmlinux.h may be a good part of the kernel's; of those
    the ones that are asked for by name.
    """
    if not any(item.type in {RINGBUF, PERF} for item in maps):
        return ()
    wanted = set(asked_for)
    named = (each for each in types if struct_name(types, each) in wanted)
    found: dict[str, EventStruct] = {}
    for identifier in (*candidates(types, maps), *(named if wanted else ())):
        name = struct_name(types, identifier)
        if name:
            found.setdefault(name, event_struct(types, identifier, name))
    return tuple(found.values())


def candidates(types: Types, maps: Sequence[Map]) -> Iterator[int]:
    """The ids of types that may be an event's, rings' own first."""
    for item in sorted(maps, key=lambda item: item.type != RINGBUF):
        if item.value_type is not None:
            yield item.value_type
    for shape in types.values():
        if isinstance(shape, btf.Variable):
            yield shape.type
            target = btf.resolve(types, shape.type)
            if isinstance(target, btf.Pointer):
                yield target.target


def struct_name(types: Types, identifier: int | None) -> str:
    """What a manifest calls a struct; empty for a type that is none, or that has no name."""
    shape = None if identifier is None else btf.resolve(types, identifier)
    if identifier is None or not isinstance(shape, btf.Struct) or shape.union or not shape.members:
        return ""
    named = types[identifier]
    while not shape.name and isinstance(named, btf.Alias) and not named.name:
        named = types[named.target]
    return shape.name or (named.name if isinstance(named, btf.Alias) else "")


def event_struct(types: Types, identifier: int, name: str) -> EventStruct:
    """The struct as an event; a flexible array at its end is its tail."""
    tail = flexible_tail(types, identifier)
    if tail is None:
        return EventStruct(name=name, type=identifier, size=btf.size(types, identifier))
    return EventStruct(name=name, type=identifier, size=tail.bit_offset // 8, tail=tail.name)


def flexible_tail(types: Types, identifier: int) -> btf.Member | None:
    """The array without a length that ends the struct."""
    shape = btf.resolve(types, identifier)
    last = shape.members[-1] if isinstance(shape, btf.Struct) and shape.members else None
    array = None if last is None else btf.resolve(types, last.type)
    return last if isinstance(array, btf.Array) and not array.count else None
