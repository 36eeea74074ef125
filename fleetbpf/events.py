"""Ring buffers and the structs in their records: what an object has, and what a manifest asks."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from fleetbpf import btf
from fleetbpf.btf import Types
from fleetbpf.errors import Problem
from fleetbpf.model.description import Description, EventStruct, Map, Ring
from fleetbpf.model.recipe import Recipe
from fleetbpf.model.target import DesiredEvent, Target
from fleetbpf.wording import quoted

RINGBUF = 27  # BPF_MAP_TYPE_RINGBUF


def rings(types: Types, maps: Sequence[Map]) -> tuple[Ring, ...]:
    """The ring buffers among `maps`."""
    return tuple(
        Ring(name=item.name, struct=struct_name(types, item.value_type))
        for item in maps
        if item.type == RINGBUF
    )


def structs(types: Types, maps: Sequence[Map]) -> tuple[EventStruct, ...]:
    """The structs that a record may hold; of two of one name the first.

    What the source itself names: the value of a map, the type of a global or what it points to.
    Not every struct of the BTF: with vmlinux.h that may be a good part of the kernel's.
    """
    if not any(item.type == RINGBUF for item in maps):
        return ()
    found: dict[str, EventStruct] = {}
    for identifier in candidates(types, maps):
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


def problems(
    targets: Iterable[Target], descriptions: Mapping[Recipe, Description]
) -> tuple[Problem, ...]:
    """What is wrong with the events that programs ask for, once for all hosts."""
    wanted = {
        (event, program.recipe): event.where or program.where
        for target in targets
        for program in target.programs
        for event in program.events
    }
    found = (
        problem(event, where, descriptions[recipe]) for (event, recipe), where in wanted.items()
    )
    return tuple(each for each in found if each is not None)


def problem(event: DesiredEvent, where: str, description: Description) -> Problem | None:
    """What is wrong with one."""
    ring = next((ring for ring in description.rings if ring.name == event.ring), None)
    if ring is None:
        return Problem(
            where=where,
            what=f"{description.program} has no ring buffer {quoted(event.ring)}",
            hint=f"its ring buffers: {names(description.rings)}",
        )
    if not event.struct and not ring.struct:
        what = f"the ring buffer {quoted(ring.name)} does not say what is in it"
        return Problem(where=where, what=what, hint=f"name one: {names(description.events)}")
    if event.struct and event.struct not in {struct.name for struct in description.events}:
        return Problem(
            where=where,
            what=f"the object's BTF has no struct {quoted(event.struct)} for events",
            hint=f"it has {names(description.events)}; a struct gets there by "
            f"`__type(value, struct {event.struct})` in the ring buffer's definition",
        )
    return None


def names(items: Sequence[Ring | EventStruct]) -> str:
    """Their names, for a hint."""
    return ", ".join(item.name for item in items) or "none"
