"""The text of a program's loader.c: a skeleton, tables of what is in it, and a main."""

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from fleetbpf import encoders
from fleetbpf.encoders import Encoder
from fleetbpf.model.description import Description, EventStruct, Map, Ring

TEMPLATES = Path(__file__).parent / "templates"
BYTES = re.MULTILINE | re.DOTALL


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A map in the loader's table: its name, and its encoders' names."""

    name: str
    key: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """A struct in the loader's table of events."""

    name: str
    size: int
    encode: str
    tail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RingRow:
    """A ring buffer in the loader's table; `event` is the index of its own struct's row."""

    name: str
    event: int | None


def render(description: Description, skeleton_header_name: str, build_key: str) -> str:
    """The loader's source; the skeleton header holds `object_in` it."""
    tables = {
        "function": description.functions,
        "constant": description.constants,
        "map": description.maps,
        "event": description.events,
        "ring": description.rings,
    }
    return (
        _environment()
        .get_template("loader.c.j2")
        .render(
            program=description.program,
            key=build_key,
            document=json.dumps(document(description, build_key), separators=(",", ":")),
            skeleton=skeleton_header_name,
            skeleton_name=skeleton_name(description.program),
            functions=description.functions,
            constants=description.constants,
            maps=[_row(description, item) for item in description.maps],
            events=[_event(description, item) for item in description.events],
            rings=[_ring(description, item) for item in description.rings],
            encoders=[encoder.code for encoder in _encoders(description)],
            tables=[name for name, rows in tables.items() if rows],
            prints=description.prints,
            needs_btf=description.needs_btf,
        )
    )


def document(description: Description, build_key: str) -> dict[str, object]:
    """What `--describe` prints."""
    return {
        "program": description.program,
        "key": build_key,
        "functions": [asdict(item) for item in description.functions],
        "constants": [asdict(item) for item in description.constants],
        "maps": [asdict(item) for item in description.maps],
        "rings": [asdict(item) for item in description.rings],
        "events": [asdict(item) for item in description.events],
        "prints": description.prints,
        "needs_btf": description.needs_btf,
    }


def skeleton_name(program: str) -> str:
    """The C identifier that a program's skeleton has; kernels show it in its maps' names."""
    name = re.sub(r"\W", "_", program, flags=re.ASCII)
    return f"_{name}" if name[:1].isdigit() else name


def object_in(skeleton: str) -> str:
    """The function of bpftool's skeleton that returns the object's bytes.

    The rest is left out: its structs name the program's own types (`u64`, `struct event`), which
    user space does not have, and its maps as C cannot; the loader reaches all through libbpf.
    """
    found = re.search(r"^static[^\n]*__elf_bytes\(size_t \*\w+\)\n\{\n.*?^\}\n", skeleton, BYTES)
    if found is None:
        raise ValueError("a skeleton without the object's bytes")
    return f"#include <stddef.h>\n\n{found[0]}"


def _environment() -> Environment:
    # Not HTML: what goes into a C string goes through c_string.
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701
    )
    environment.filters["c_string"] = encoders.c_string
    environment.filters["c_bool"] = encoders.c_bool
    return environment


def _row(description: Description, item: Map) -> Row:
    key, value = (parts[-1].name for parts in _parts(description, item))
    return Row(name=item.name, key=key, value=value)


def _event(description: Description, item: EventStruct) -> EventRow:
    encode = encoders.for_event(description.types, item)[-1].name
    return EventRow(name=item.name, size=item.size, encode=encode, tail=item.tail)


def _ring(description: Description, item: Ring) -> RingRow:
    known = [event.name for event in description.events]
    return RingRow(name=item.name, event=known.index(item.struct) if item.struct else None)


def _parts(description: Description, item: Map) -> Iterator[tuple[Encoder, ...]]:
    """The encoders of a map's key, then those of its value; the wanted one is the last of each."""
    for identifier, size in ((item.key_type, item.key_size), (item.value_type, item.value_size)):
        if identifier is None:
            yield (encoders.for_size(size),)
        else:
            yield encoders.for_type(description.types, identifier)


def _encoders(description: Description) -> tuple[Encoder, ...]:
    """All functions that maps and events need, each once, before its first use."""
    found: dict[str, Encoder] = {}
    for item in description.maps:
        for part in _parts(description, item):
            for encoder in part:
                found.setdefault(encoder.name, encoder)
    for event in description.events:
        for encoder in encoders.for_event(description.types, event):
            found.setdefault(encoder.name, encoder)
    return tuple(found.values())
