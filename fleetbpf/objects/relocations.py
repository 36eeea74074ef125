"""CO-RE relocations of an object, tried against the types of a kernel as libbpf would.

What a relocation does not find, libbpf replaces by an instruction that the verifier refuses. If a
function can get there, the verifier alone knows (`if (bpf_core_field_exists(…))`).
"""

import struct
from collections.abc import Iterator
from enum import IntEnum

from fleetbpf.frozen import frozen
from fleetbpf.objects.btf_file import COMPOSITES, ENUMS, BtfFile, Kind, essential
from fleetbpf.objects.elf import Elf

# struct btf_ext_header: its length, then where the relocations are, from its end.
EXTENSION = struct.Struct("<4xI16xII")
WORD = struct.Struct("<I")
GROUP = struct.Struct("<II")  # section's name, count
RELOCATION = struct.Struct("<IIII")  # instruction's offset, type, access, kind


class Wanted(IntEnum):
    """The kinds of relocation that must be found (enum bpf_core_relo_kind): others may fail."""

    BYTE_OFFSET = 0
    BYTE_SIZE = 1
    SIGNED = 3
    LEFT_SHIFT = 4
    RIGHT_SHIFT = 5
    ENUM_VALUE = 11


@frozen
class Relocation:
    """One place in a function that is fitted to the kernel's types."""

    function: str
    type: int  # in the object's BTF
    access: tuple[int, ...]  # index of the pointer, then of a member or an element at each step
    kind: int


@frozen
class Missing:
    """What a function reads and a kernel does not have."""

    function: str
    what: str  # "task_struct.__state", "TCP_BOUND of enum tcp_state"


@frozen
class Step:
    """One step into a struct, or into an array."""

    name: str = ""  # the member's; "" = an element
    index: int = 0  # the element's
    type: int  # what it leads to, in the object's BTF


def missing(parts: Elf, kernel: BtfFile) -> tuple[Missing, ...]:
    """What the object reads that a kernel of these types has not, in the object's order.

    ValueError when the object's own BTF is damaged.
    """
    types, extension = parts.section(".BTF"), parts.section(".BTF.ext")
    if types is None or extension is None:
        return ()
    own = BtfFile.parse(types.content)
    try:
        wanted = dict.fromkeys(relocations(parts, own, extension.content))
        lacking = (each for each in wanted if not found(each, own, kernel))
        return tuple(
            dict.fromkeys(
                Missing(function=each.function, what=described(each, own)) for each in lacking
            )
        )
    except (struct.error, IndexError) as error:
        raise ValueError(f"damaged .BTF.ext: {error}") from error


def relocations(parts: Elf, own: BtfFile, content: bytes) -> Iterator[Relocation]:
    """The relocations that must be found."""
    header, offset, length = EXTENSION.unpack_from(content)
    start, end = header + offset, header + offset + length
    if start == end:
        return
    (size,) = WORD.unpack_from(content, start)
    start += WORD.size
    while start < end:
        name, count = GROUP.unpack_from(content, start)
        start += GROUP.size
        for each in range(start, start + size * count, size):
            at, type_, access, kind = RELOCATION.unpack_from(content, each)
            if kind in set(Wanted):
                yield Relocation(
                    function=function_at(parts, own.text(name), at),
                    type=type_,
                    access=tuple(map(int, own.text(access).split(":"))),
                    kind=kind,
                )
        start += size * count


def function_at(parts: Elf, section: str, offset: int) -> str:
    """The function that an instruction belongs to."""
    inside = [
        symbol
        for symbol in parts.symbols
        if symbol.function
        and symbol.section < len(parts.sections)
        and parts.sections[symbol.section].name == section
        and symbol.offset <= offset
    ]
    return max(inside, key=lambda symbol: symbol.offset).name if inside else section


def found(wanted: Relocation, own: BtfFile, kernel: BtfFile) -> bool:
    """Whether a type of the kernel has what is wanted (bpf_core_find_cands and …_spec_match)."""
    kind = own.kind(wanted.type)
    alike = ENUMS if kind in ENUMS else {kind}
    candidates = (
        each for each in kernel.named(own.name(wanted.type)) if kernel.kind(each) in alike
    )
    if wanted.kind == Wanted.ENUM_VALUE:
        value = essential(enumerator(wanted, own))
        return any(value in map(essential, kernel.enumerators(each)) for each in candidates)
    path = tuple(steps(wanted, own))
    return any(leads_on(path, own, each, kernel) for each in candidates)


def steps(wanted: Relocation, own: BtfFile) -> Iterator[Step]:
    """The way from the type to what is read; what is unnamed on it may be elsewhere in a kernel."""
    current = own.resolve(wanted.type)
    for index in wanted.access[1:]:
        if own.kind(current) is Kind.ARRAY:
            current = own.element(current)[0]
            yield Step(index=index, type=current)
        else:
            field = tuple(own.fields(current))[index]
            current = field.type
            if field.name:
                yield Step(name=field.name, type=current)
        current = own.resolve(current)


def leads_on(path: tuple[Step, ...], own: BtfFile, start: int, kernel: BtfFile) -> bool:
    """Whether the same way exists from a type of the kernel."""
    current: int | None = kernel.resolve(start)
    for step in path:
        if current is None:
            return False
        current = member(kernel, current, step, own) if step.name else item(kernel, current, step)
    return current is not None


def member(kernel: BtfFile, composite: int, step: Step, own: BtfFile) -> int | None:
    """The type of the member of that name, in anonymous structs and unions too, if it fits."""
    waiting, seen = [composite], set[int]()
    while waiting:
        current = waiting.pop()
        if current in seen or kernel.kind(current) not in COMPOSITES:
            continue
        seen.add(current)  # a host's BTF may hold what holds itself
        for field in kernel.fields(current):
            inner = kernel.resolve(field.type)
            if field.name == step.name:
                return inner if alike(own, step.type, kernel, field.type) else None
            if not field.name:
                waiting.append(inner)
    return None


def item(kernel: BtfFile, array: int, step: Step) -> int | None:
    """The type of an array's element; arrays without a length have all of them."""
    if kernel.kind(array) is not Kind.ARRAY:
        return None
    element, count = kernel.element(array)
    return kernel.resolve(element) if not count or step.index < count else None


def alike(own: BtfFile, one: int, kernel: BtfFile, other: int) -> bool:
    """Whether two members may stand for each other (bpf_core_fields_are_compat)."""
    one, other = own.resolve(one), kernel.resolve(other)
    kind, others = own.kind(one), kernel.kind(other)
    if kind in COMPOSITES and others in COMPOSITES:
        return True
    if kind in ENUMS and others in ENUMS:
        kind = others
    if kind is not others:
        return False
    if kind is Kind.ARRAY:
        return alike(own, own.element(one)[0], kernel, kernel.element(other)[0])
    if kind is Kind.FWD or kind in ENUMS:
        names = essential(own.name(one)), essential(kernel.name(other))
        return not all(names) or names[0] == names[1]
    return kind in {Kind.PTR, Kind.INT, Kind.FLOAT}


def enumerator(wanted: Relocation, own: BtfFile) -> str:
    """The enum value that is wanted."""
    return tuple(own.enumerators(own.resolve(wanted.type)))[wanted.access[0]]


def described(wanted: Relocation, own: BtfFile) -> str:
    """What is wanted, for people; as the kernel would call it."""
    name = essential(own.name(wanted.type))
    if wanted.kind == Wanted.ENUM_VALUE:
        return f"{essential(enumerator(wanted, own))} of enum {name}"
    return name + "".join(
        f".{step.name}" if step.name else f"[{step.index}]" for step in steps(wanted, own)
    )
