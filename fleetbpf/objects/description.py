"""What is inside an object: its ELF sections and its BTF, read into a Description."""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import replace

from fleetbpf.model import btf
from fleetbpf.model.btf import Types
from fleetbpf.model.description import Constant, ConstantKind, Description, Function, Map
from fleetbpf.objects import calls, context_writes, events, object_btf, pinned_maps, tail_calls
from fleetbpf.objects.elf import Elf, Symbol
from fleetbpf.objects.tail_calls import TailCalls

# Where .BTF.ext's header (struct btf_ext_header of libbpf) has the length of the CO-RE relocations.
CORE_LENGTH = struct.Struct("<8x16x4xI")


def read(program: str, parts: Elf, structs: Iterable[str] = ()) -> Description:
    """Describe an object; no function at all is not an error here.

    structs: the names of those that a manifest wants as events.

    ValueError when its BTF is damaged.
    """
    types = types_of(parts)
    declared = tuple(maps(types))
    found = Description(
        program=program,
        functions=functions(parts),
        constants=tuple(constants(types)),
        maps=declared,
        prints=calls.prints(parts),
        needs_btf=has_core_relocations(parts),
        types=types,
        rings=events.rings(types, declared),
        events=events.structs(types, declared, structs),
        calls=calls.changing(parts),
    )
    object_btf.check_members(types, found.spoken_of)
    return found


def types_of(parts: Elf) -> Types:
    """The types of an object; none but void where it has no BTF."""
    section = parts.section(".BTF")
    return {0: btf.Void()} if section is None else object_btf.read(section.content)


def has_license(parts: Elf) -> bool:
    """Whether the object says its license, without which the kernel refuses most helpers."""
    section = parts.section("license")
    return section is not None and bool(section.content.rstrip(b"\0"))


def functions(parts: Elf) -> tuple[Function, ...]:
    """The functions that the kernel can attach; those in .text are only called by others."""
    entries = [
        symbol
        for symbol in parts.symbols
        if symbol.function
        and not symbol.local
        and symbol.section < len(parts.sections)
        and parts.sections[symbol.section].executable
        and parts.sections[symbol.section].name != ".text"
    ]
    entries.sort(key=lambda symbol: (symbol.section, symbol.offset))
    through = TailCalls.of(parts, (symbol.name for symbol in entries))
    return tuple(function(parts, symbol, through) for symbol in entries)


def function(parts: Elf, symbol: Symbol, through: TailCalls) -> Function:
    """A function, whether it may write to what it is called with, and who calls it."""
    section = parts.sections[symbol.section].name
    held = symbol.name in through.targets
    return Function(
        name=symbol.name,
        section=section,
        writes=context_writes.writes(parts, symbol.section, symbol.offset),
        held=held,
        called=held and (symbol.name in through.reached or tail_calls.waits(section)),
    )


def has_core_relocations(parts: Elf) -> bool:
    """Whether libbpf must fit the object to the kernel's types when it loads it."""
    section = parts.section(".BTF.ext")
    if section is None or len(section.content) < CORE_LENGTH.size:
        return False
    # The kernel's BTF is asked for as soon as the part is not empty (obj_needs_vmlinux_btf).
    return bool(CORE_LENGTH.unpack_from(section.content)[0])


def constants(types: Types) -> Iterator[Constant]:
    """The `const volatile` globals."""
    for section, variable, size in variables(types, ".rodata"):
        if is_settable(types, variable):
            yield Constant(
                name=variable.name,
                section=section,
                c_type=btf.c_name(types, variable.type),
                size=size,
                kind=constant_kind(types, variable.type),
                type=variable.type,
            )


def variables(types: Types, prefix: str) -> Iterator[tuple[str, btf.Variable, int]]:
    """The variables of the data sections called `prefix` or `prefix.…`, with their sizes."""
    for section in types.values():
        if isinstance(section, btf.Section) and (
            section.name == prefix or section.name.startswith(f"{prefix}.")
        ):
            for identifier, size in section.variables:
                variable = types[identifier]
                if isinstance(variable, btf.Variable):
                    yield section.name, variable, size


def is_settable(types: Types, variable: btf.Variable) -> bool:
    """Whether a value set before the load has an effect, and the name is the author's.

    Without `volatile` the compiler has used the initial value already. A name with a dot is a
    static of one function; bpf_metadata_… are labels for bpftool.
    """
    return (
        is_volatile(types, variable.type)
        and variable.name.isidentifier()
        and not variable.name.startswith("bpf_metadata_")
    )


def is_volatile(types: Types, identifier: int) -> bool:
    """Whether a type, or the elements of an array, are volatile."""
    match types[identifier]:
        case btf.Alias(volatile=volatile, target=target):
            return volatile or is_volatile(types, target)
        case btf.Array(element=element):
            return is_volatile(types, element)
        case _:
            return False


def constant_kind(types: Types, identifier: int) -> ConstantKind:
    """How a value of the type is written."""
    match btf.resolve(types, identifier):
        case btf.Integer(boolean=True):
            return ConstantKind.BOOLEAN
        case btf.Integer():
            return ConstantKind.INTEGER
        case btf.Enumeration():
            return ConstantKind.ENUM
        case btf.Array() as array:
            return ConstantKind.TEXT if btf.is_text(types, array) else ConstantKind.ARRAY
        case btf.Struct():
            return ConstantKind.STRUCT
        case _:
            return ConstantKind.OTHER


def maps(types: Types) -> Iterator[Map]:
    """The maps that the section .maps declares, in BTF's way."""
    for _, variable, _ in variables(types, ".maps"):
        shape = btf.resolve(types, variable.type)
        if isinstance(shape, btf.Struct):
            yield declared_map(types, variable.name, shape)


def declared_map(types: Types, name: str, shape: btf.Struct) -> Map:
    """The map that a struct of `__uint(…)` and `__type(…)` members stands for."""
    members = {member.name: member.type for member in shape.members}
    key, value = (pointed(types, members.get(part)) for part in ("key", "value"))
    found = Map(
        name=name,
        type=number(types, members.get("type")),
        key_type=key,
        value_type=value,
        key_size=number(types, members.get("key_size")) or btf.size(types, key or 0),
        value_size=number(types, members.get("value_size")) or btf.size(types, value or 0),
        max_entries=number(types, members.get("max_entries")),
    )
    pinned = number(types, members.get("pinning")) == pinned_maps.BY_NAME
    if not pinned or found.type in pinned_maps.READ_BY_ONE:
        return found
    sizes = (found.type, found.key_size, found.value_size, found.max_entries)
    flags = number(types, members.get("map_flags"))
    return replace(found, shape=pinned_maps.shape(types, key, value, *sizes, flags))


def pointed(types: Types, identifier: int | None) -> int | None:
    """The type that a `__type(…)` member points to."""
    shape = None if identifier is None else btf.resolve(types, identifier)
    return shape.target if isinstance(shape, btf.Pointer) else None


def number(types: Types, identifier: int | None) -> int:
    """The number that a `__uint(…)` member carries: the length of the array it points to."""
    target = pointed(types, identifier)
    shape = None if target is None else btf.resolve(types, target)
    return shape.count if isinstance(shape, btf.Array) else 0
