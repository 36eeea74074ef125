"""The BTF of an object as types: read in place, and refused where it is not what BTF may be.

The kernel and libbpf refuse the same when they load the object; here it would be endless loops,
reads behind a value's end in the loader, and C that its author did not write.
"""

import struct
from collections.abc import Callable, Iterable, Iterator

from fleetbpf.model import btf
from fleetbpf.model.btf import Type, Types
from fleetbpf.objects.btf_file import DEEPEST, BtfFile, Kind

MOST_FIELDS = 100_000  # of a struct and all inside it; the kernel's largest have some thousand
LARGEST = (1 << 32) - 1  # bytes of a type
SIZES = {1, 2, 4, 8, 16}  # of an integer (btf_int_check_meta)
SIGNED, BOOLEAN = 1, 4  # BTF_INT_SIGNED, BTF_INT_BOOL
NEAR_ZERO = 1 << 24  # of 4 bytes, 0xffffffff is rather -1 and 0x80000000 rather a flag


def read(content: bytes) -> Types:
    """The types in the section .BTF, by id; id 0 is void. ValueError when it is damaged."""
    file = BtfFile.parse(content)
    try:
        types = {number: _type(file, number) for number in range(len(file.records))}
        _check(types)
    except (struct.error, IndexError, KeyError, ValueError) as error:
        raise ValueError(f"damaged BTF: {error}") from error
    return types


def _type(file: BtfFile, number: int) -> Type:
    name, value = file.name(number), file.target(number)
    match file.kind(number):
        case Kind.INT:
            return _integer(file, number, name)
        case Kind.FLOAT:
            return btf.Floating(name=name, size=value)
        case Kind.ENUM | Kind.ENUM64:
            return _enumeration(file, number, name)
        case Kind.ARRAY:
            element, count = file.element(number)
            return btf.Array(element=element, count=count)
        case Kind.STRUCT | Kind.UNION as kind:
            members = tuple(_members(file, number))
            return btf.Struct(name=name, size=value, union=kind is Kind.UNION, members=members)
        case Kind.PTR:
            return btf.Pointer(target=value)
        case Kind.TYPEDEF | Kind.CONST | Kind.RESTRICT | Kind.TYPE_TAG | Kind.VOLATILE as kind:
            written = name if kind is Kind.TYPEDEF else ""
            return btf.Alias(name=written, target=value, volatile=kind is Kind.VOLATILE)
        case Kind.VAR:
            return btf.Variable(name=name, type=value, static=file.is_static(number))
        case Kind.DATASEC:
            return btf.Section(name=name, variables=tuple(file.variables(number)))
        case _:
            return btf.Void()


def _integer(file: BtfFile, number: int, name: str) -> Type:
    """Make one; of no size that C has (Rust's `()` has 0 bytes) it is nothing to read."""
    encoding, bits = file.integer(number)
    size = file.target(number)
    if size not in SIZES or not 0 < bits <= 8 * size:
        return btf.Void()
    return btf.Integer(
        name=name, size=size, bits=bits, signed=encoding == SIGNED, boolean=encoding == BOOLEAN
    )


def _enumeration(file: BtfFile, number: int, name: str) -> btf.Enumeration:
    """Make one; its values are reduced to its size.

    clang 14 cuts 8-byte values to 32 bits: such an enum (not an ENUM64) keeps no names.
    """
    size = file.target(number)
    if size not in SIZES:
        raise ValueError(f"an enum of {size} bytes")
    cut = file.kind(number) is Kind.ENUM and size > 4
    values = () if cut else tuple(file.values(number))
    return btf.Enumeration(
        name=name,
        size=size,
        signed=file.flag(number) or _has_negative(file, number),
        values=tuple((label, value % (1 << 8 * size)) for label, value in values),
    )


def _has_negative(file: BtfFile, number: int) -> bool:
    """Whether the values of an enum that is not marked as signed are so all the same.

    clang 14 marks none; what marks another in the same object is believed.
    """
    if file.marks_signed:
        return False
    bits = 64 if file.kind(number) is Kind.ENUM64 else 32
    above = [(1 << bits) - value for _, value in file.values(number) if value >> bits - 1]
    # Fewer bytes than a value is told in cannot hold it unless it is negative.
    return bool(above) and (8 * file.target(number) < bits or max(above) < NEAR_ZERO)


def _members(file: BtfFile, number: int) -> Iterator[btf.Member]:
    wide = file.flag(number)  # then the offset has the size of a bit field in its upper byte
    for name, type_, offset in file.members(number):
        yield btf.Member(
            name=file.text(name),
            type=type_,
            bit_offset=offset & 0xFFFFFF if wide else offset,
            bit_size=offset >> 24 if wide else 0,
        )


def _check(types: Types) -> None:
    """Raise ValueError for types that never end, KeyError for one that is not there."""
    _Inside(types, held).all()
    _Inside(types, named).all()
    for number, shape in types.items():
        match shape:
            case btf.Array() | btf.Variable():
                _size(types, number)
            case btf.Pointer(target=target):
                _ = types[target]
            case btf.Section(variables=variables):
                _ = [types[inner] for inner, _ in variables]


def check_members(types: Types, numbers: Iterable[int]) -> None:
    """Raise ValueError where a struct's members are behind its end: they would be read there."""
    reached = btf.part(types, numbers).values()
    for shape in (each for each in reached if isinstance(each, btf.Struct)):
        for member in shape.members:
            bits = member.bit_size or 8 * _size(types, member.type)
            if member.bit_offset + bits > 8 * shape.size:
                what = f"damaged BTF: {shape.name or 'a struct'} is smaller than its members"
                raise ValueError(what)


def _size(types: Types, number: int) -> int:
    size = btf.size(types, number)
    if size > LARGEST:
        raise ValueError("a type of more than 4 GiB")
    return size


def held(shape: Type) -> tuple[int, ...]:
    """What lies inside a value of the type."""
    match shape:
        case btf.Alias(target=inner) | btf.Array(element=inner) | btf.Variable(type=inner):
            return (inner,)
        case btf.Struct(members=members):
            return tuple(member.type for member in members)
        case _:
            return ()


def named(shape: Type) -> tuple[int, ...]:
    """What the type's name is made of: `char *[4]`."""
    match shape:
        case btf.Alias(name="", target=inner) | btf.Array(element=inner):
            return (inner,)
        case btf.Pointer(target=target):
            return (target,)
        case _:
            return ()


class _Inside:
    """Counts what is inside types; ValueError where that never ends, or is too much."""

    def __init__(self, types: Types, inside: Callable[[Type], tuple[int, ...]]) -> None:
        self._types = types
        self._inside = inside
        self._known: dict[int, tuple[int, int]] = {}  # fields in all, and the deepest of them
        self._above: set[int] = set()

    def all(self) -> None:
        """Count each type."""
        for number in self._types:
            self._count(number)

    def _count(self, number: int) -> tuple[int, int]:
        if number in self._known:
            return self._known[number]
        if number in self._above:
            raise ValueError(f"type {number} is made of itself")
        self._above.add(number)
        parts = [self._count(part) for part in self._inside(self._types[number])]
        self._above.remove(number)
        fields = 1 + sum(fields for fields, _ in parts)
        depth = 1 + max((depth for _, depth in parts), default=0)
        if fields > MOST_FIELDS or depth > DEEPEST:
            raise ValueError(f"type {number} is made of too much")
        self._known[number] = (fields, depth)
        return self._known[number]
