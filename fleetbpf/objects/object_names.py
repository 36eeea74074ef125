"""The names in an object: those that no C compiler writes are refused before a tool reads them."""

import re
from collections.abc import Iterator

from fleetbpf.model import btf
from fleetbpf.model.btf import Type, Types
from fleetbpf.model.description import Description
from fleetbpf.objects.elf import Elf
from fleetbpf.wording import quoted

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
ASCII = re.compile(r"[ -~]*")
DATA = re.compile(r"\.(?:rodata|data|bss|kconfig|ksyms)(?:\..*)?", re.DOTALL)
DATA_SECTION = re.compile(r"\.[A-Za-z0-9_.]+")

HINT = "a name has letters, digits and _, and no digit first"
PRINTABLE_HINT = "its compiler did not write that: do not use it"


def wrong(parts: Elf, found: Description) -> tuple[str, str] | None:
    """The first name that is none, and what names are made of; None where all are right."""
    for kind, name in unprintable(parts, found.types):
        return f"has {kind} called {quoted(name)}", PRINTABLE_HINT
    for kind, name in unlike_c(found):
        return f"has {kind} called {quoted(name)}, which is no C identifier", HINT
    return None


def unprintable(parts: Elf, types: Types) -> Iterator[tuple[str, str]]:
    """Names that nothing has, in whatever language it was written."""
    for section in parts.sections:
        data = DATA.fullmatch(section.name)
        if not (DATA_SECTION.fullmatch(section.name) if data else section.name.isprintable()):
            yield "a section", section.name
    yield from (
        ("a symbol", symbol.name) for symbol in parts.symbols if not symbol.name.isprintable()
    )
    for shape in types.values():
        yield from (("a type", name) for name in names(shape) if not ASCII.fullmatch(name))


def unlike_c(found: Description) -> Iterator[tuple[str, str]]:
    """Names of what a loader is generated from that C does not know as names."""
    named = (
        *(("a function", item.name) for item in found.functions),
        *(("a map", item.name) for item in found.maps),
        *(("a constant", item.name) for item in found.constants),
    )
    yield from ((kind, name) for kind, name in named if not IDENTIFIER.fullmatch(name))
    for shape in btf.part(found.types, found.spoken_of).values():
        for name in names(shape):
            if not all(map(IDENTIFIER.fullmatch, name.split(" ") if name else ())):
                yield "a type or field", name


def names(shape: Type) -> Iterator[str]:
    """The names in a type, without those of other types in it; "unsigned int" is one."""
    match shape:
        case btf.Struct(name=name, members=members):
            yield from (name, *(member.name for member in members))
        case btf.Enumeration(name=name, values=values):
            yield from (name, *(label for label, _ in values))
        case (
            btf.Integer(name=name)
            | btf.Floating(name=name)
            | btf.Alias(name=name)
            | btf.Variable(name=name)
            | btf.Section(name=name)
        ):
            yield name
