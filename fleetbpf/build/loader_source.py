"""The text of a program's loader.c: the object, tables of what is in it, and a main."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace

from fleetbpf.build import encoders, event_plan
from fleetbpf.build.encoders import Encoder
from fleetbpf.build.event_plan import Case, Plan
from fleetbpf.documents.templates import rendered
from fleetbpf.frozen import frozen
from fleetbpf.model.btf import Types
from fleetbpf.model.description import Description, Map
from fleetbpf.model.recipe import DesiredEvent
from fleetbpf.objects import elf, map_shapes
from fleetbpf.objects.map_shapes import Run, Slots, SlotsPlace

OBJECT_SECTION = "fleetbpf_object"  # of the loader's


@frozen
class Row:
    """A map in the loader's table: its name, its encoders' names, and what it is made of."""

    number: int
    name: str
    type: int
    shape: str
    key: str
    value: str
    runs: tuple[Run, ...]
    slots: Slots
    group: str  # the encoder of what tells one histogram from another, or NULL


@frozen
class EventRow:
    """A struct in the loader's table of events."""

    name: str
    size: int
    encode: str
    tail: str
    encode_tail: str


@frozen
class RingRow:
    """A ring buffer in the loader's table; events are indexes of rows."""

    number: int
    name: str
    event: int | None  # the only struct that there is
    perf: bool
    by_offset: int = 0  # bytes
    by_size: int = 0
    cases: tuple[tuple[int, int], ...] = ()  # (value, event)


def render(
    description: Description,
    wanted: Iterable[DesiredEvent],
    object_header_name: str,
    build_key: str,
) -> str:
    """The loader's source; that header is `object_header`."""
    planned = event_plan.plans(description, wanted)
    # By hand any struct may be asked for, with the hints of its types alone.
    plain = (Case(struct=struct, hints={}) for struct in description.events)
    cases = _distinct((*plain, *(case for plan in planned for case in plan.cases)))
    tables = {
        "function": description.functions,
        "constant": description.constants,
        "map": description.maps,
        "event": cases,
        "ring": planned,
    }
    return rendered(
        "loader.c.j2",
        c_string=encoders.c_string,
        c_bool=encoders.c_bool,
        program=description.program,
        key=build_key,
        document=json.dumps(document(description, build_key), separators=(",", ":")),
        header=object_header_name,
        functions=description.functions,
        constants=description.constants,
        maps=[_row(description, *pair) for pair in enumerate(description.maps)],
        events=[_event(description, case) for case in cases],
        rings=[_ring(number, plan, cases) for number, plan in enumerate(planned)],
        units=_units(description, planned),
        encoders=[encoder.code for encoder in _encoders(description, cases)],
        tables=[name for name, rows in tables.items() if rows],
        prints=description.prints,
        needs_btf=description.needs_btf,
    )


def document(description: Description, build_key: str) -> dict[str, object]:
    """What `--describe` prints."""
    return {
        "program": description.program,
        "key": build_key,
        "functions": [
            {"name": item.name, "section": item.section, "called": item.called}
            for item in description.functions
        ],
        "constants": [asdict(item) for item in description.constants],
        "maps": [asdict(item) for item in description.maps],
        "rings": [asdict(item) for item in description.rings],
        "events": [asdict(item) for item in description.events],
        "prints": description.prints,
        "needs_btf": description.needs_btf,
    }


def object_header(content: bytes) -> str:
    """The header that holds an object's bytes, in a section of the loader that has nothing else.

    bpftool's skeleton would do as well, but for the object's names, which it writes as they are.
    """
    place = f'__attribute__((aligned(8), section("{OBJECT_SECTION}")))'
    text = encoders.c_bytes(content)
    return f"static const unsigned char object[{len(content)}]\n\t{place} = {text};\n"


def holds(loader: bytes, content: bytes) -> bool:
    """Whether a linked loader holds an object, byte for byte, and no other."""
    found = [
        section.content for section in elf.parse(loader).sections if section.name == OBJECT_SECTION
    ]
    return found == [content]


def _row(description: Description, number: int, item: Map) -> Row:
    key, value, *group = (parts[-1].name for parts in _parts(description, item))
    slots = map_shapes.slots(description.types, item)
    return Row(
        number=number,
        name=item.name,
        type=item.type,
        shape=item.shape,
        key=key,
        value=value,
        runs=map_shapes.runs(description.types, item) if map_shapes.is_per_cpu(item) else (),
        slots=slots,
        group=group[0] if group else "NULL",
    )


def _distinct(cases: Iterable[Case]) -> tuple[Case, ...]:
    """Each struct with its hints once, whatever value stands for it."""
    found: list[Case] = []
    for case in cases:
        plain = replace(case, value=None)
        if plain not in found:
            found.append(plain)
    return tuple(found)


def _event(description: Description, case: Case) -> EventRow:
    return EventRow(
        name=case.struct.name,
        size=case.struct.size,
        encode=encoders.for_event(description.types, case.struct, case.hints)[-1].name,
        tail=case.struct.tail,
        encode_tail=encoders.of_tail(description.types, case.struct, case.tail_hint),
    )


def _ring(number: int, plan: Plan, cases: tuple[Case, ...]) -> RingRow:
    rows = [(case.value, cases.index(replace(case, value=None))) for case in plan.cases]
    if plan.by is None:
        event = rows[0][1] if rows else None
        return RingRow(number=number, name=plan.ring, event=event, perf=plan.perf)
    return RingRow(
        number=number,
        name=plan.ring,
        event=None,
        perf=plan.perf,
        by_offset=plan.by.bit_offset // 8,
        by_size=plan.by_size,
        cases=tuple((value, row) for value, row in rows if value is not None),
    )


def _units(description: Description, planned: Iterable[Plan]) -> str:
    """What the headers of segments say of fields that are numbers of a unit, as JSON."""
    found = {plan.ring: event_plan.units(description, plan) for plan in planned}
    known = {ring: units for ring, units in found.items() if units}
    return json.dumps(known, separators=(",", ":")) if known else ""


def _parts(description: Description, item: Map) -> Iterator[tuple[Encoder, ...]]:
    """The encoders of a map's key, its value, and of a histogram's group if it has one.

    The wanted one is the last of each.
    """
    types = description.types
    if map_shapes.is_prefix(types, item):
        yield (encoders.for_prefix(item.key_size - 4),)
    else:
        yield _of_type_or_size(types, item.key_type, item.key_size)
    yield _of_type_or_size(types, item.value_type, item.value_size)
    slots = map_shapes.slots(types, item)
    if slots.place is SlotsPlace.IN_VALUE:
        yield _of_type_or_size(types, item.key_type, item.key_size)
    elif slots.group and item.key_type is not None:
        yield encoders.for_members(types, item.key_type, slots.group)


def _of_type_or_size(types: Types, identifier: int | None, size: int) -> tuple[Encoder, ...]:
    if identifier is None:
        return (encoders.for_size(size),)
    return encoders.for_type(types, identifier)


def _encoders(description: Description, cases: Iterable[Case]) -> tuple[Encoder, ...]:
    """All functions that maps and events need, each once, before its first use."""
    found: dict[str, Encoder] = {}
    for item in description.maps:
        for part in _parts(description, item):
            for encoder in part:
                found.setdefault(encoder.name, encoder)
    for case in cases:
        for encoder in encoders.for_event(description.types, case.struct, case.hints):
            found.setdefault(encoder.name, encoder)
    return tuple(found.values())
