"""The types of an object, as its BTF tells them (object_btf.py), and what is asked of them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from fleetbpf.frozen import frozen


@frozen
class Void:
    """Type id 0, and kinds that have no bytes of their own (forward declarations, functions)."""


@frozen
class Integer:
    """An integer, a character or a boolean."""

    name: str
    size: int  # bytes
    bits: int
    signed: bool
    boolean: bool

    @property
    def character(self) -> bool:
        """Whether an array of it is text: plain `char`, not `signed char` nor `__u8`."""
        return self.name == "char"


@frozen
class Floating:
    """`float`, `double`."""

    name: str
    size: int


@frozen
class Enumeration:
    """An enum; the values are reduced to its size, so that equal bits compare equal."""

    name: str
    size: int
    signed: bool
    values: tuple[tuple[str, int], ...]


@frozen
class Array:
    """`count` elements of one type."""

    element: int
    count: int


@frozen
class Member:
    """One field of a struct or union; unnamed for an anonymous struct or union inside."""

    name: str
    type: int
    bit_offset: int
    bit_size: int  # 0: not a bit field


@frozen
class Struct:
    """A struct or a union."""

    name: str
    size: int
    union: bool
    members: tuple[Member, ...]


@frozen
class Pointer:
    """A pointer: 8 bytes."""

    target: int


@frozen
class Alias:
    """A typedef, or a qualifier (`const`, `volatile`, `restrict`, a type tag) without a name."""

    name: str
    target: int
    volatile: bool = False


@frozen
class Variable:
    """A global or static variable."""

    name: str
    type: int
    static: bool


@frozen
class Section:
    """A data section and the ids of its variables.

    BTF's offsets are not kept: in an object that no linker has seen they are 0 for every global.
    """

    name: str
    variables: tuple[tuple[int, int], ...]  # (type id of the Variable, its size in bytes)


Type = (
    Void | Integer | Floating | Enumeration | Array | Struct | Pointer | Alias | Variable | Section
)
Types = Mapping[int, Type]


def resolve(types: Types, identifier: int) -> Type:
    """The type behind all typedefs and qualifiers."""
    found = types[identifier]
    while isinstance(found, Alias):
        found = types[found.target]
    return found


def size(types: Types, identifier: int) -> int:
    """The size of a value of this type in bytes; 0 for void."""
    match resolve(types, identifier):
        case Integer(size=n) | Floating(size=n) | Enumeration(size=n) | Struct(size=n):
            return n
        case Array(element=element, count=count):
            return size(types, element) * count
        case Pointer():
            return 8
        case _:
            return 0


def part(types: Types, identifiers: Iterable[int]) -> Types:
    """The types that these are made of; of what a pointer leads to, the name only."""
    found: dict[int, Type] = {}
    seen: set[tuple[int, bool]] = set()
    waiting = [(0, True), *((identifier, True) for identifier in identifiers)]
    while waiting:
        identifier, whole = waiting.pop()
        if (identifier, True) in seen or (identifier, whole) in seen:
            continue
        seen.add((identifier, whole))
        match types[identifier]:
            case Struct(members=members) as shape:
                found[identifier] = shape if whole else replace(shape, members=())
                waiting += ((member.type, True) for member in members if whole)
            case Array(element=inner) | Alias(target=inner) as shape:
                found[identifier] = shape
                waiting.append((inner, whole))
            case Pointer(target=target) as shape:
                found[identifier] = shape
                waiting.append((target, False))
            case shape:
                found[identifier] = shape
    return found


def is_text(types: Types, array: Array) -> bool:
    """Whether it holds text: elements of plain `char`."""
    element = resolve(types, array.element)
    return isinstance(element, Integer) and element.character


def steps(path: str) -> tuple[str | int, ...]:
    """A path into a value, taken apart: `key.ports[2]` is "key", "ports", 2."""
    return tuple(
        int(index) if index else name for name, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path)
    )


def c_name(types: Types, identifier: int) -> str:
    """The type as its author wrote it, for people: `u64`, `enum color`, `char[16]`, `void *`."""
    match types[identifier]:
        case Alias(name="", target=target):
            return c_name(types, target)
        case Array(element=element, count=count):
            return f"{c_name(types, element)}[{count}]"
        case Pointer(target=target):
            return f"{c_name(types, target)} *"
        case Enumeration(name=name):
            return f"enum {name}".rstrip()
        case Struct(name=name, union=union):
            return f"{'union' if union else 'struct'} {name}".rstrip()
        case Void():
            return "void"
        case Integer(name=name) | Floating(name=name) | Alias(name=name) | Variable(name=name):
            return name
        case Section(name=name):
            return name
