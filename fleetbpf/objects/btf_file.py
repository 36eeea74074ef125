"""BTF as it is in a file or a section: read in place, since a kernel's has 150,000 types."""

import functools
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum

from fleetbpf.frozen import frozen

HEADER = struct.Struct("<HBBIIIII")  # magic, version, flags, header length, types, strings
RECORD = struct.Struct("<III")  # name, info, size or type
ARRAY = struct.Struct("<III")  # element, index, count
MEMBER = struct.Struct("<III")  # name, type, offset
VARIABLE = struct.Struct("<III")  # type, offset, size
VALUE = struct.Struct("<II")  # name, value
WIDE_VALUE = struct.Struct("<III")  # name, lower and upper half
WORD = struct.Struct("<I")
MAGIC = 0xEB9F
DEEPEST = 64  # types inside each other; libbpf and the kernel follow 32 (MAX_RESOLVE_DEPTH)
LONGEST_NAME = 4096  # bytes
FLAVOUR = "___"  # struct task_struct___old is what its author calls another task_struct


class Kind(IntEnum):
    """BTF_KIND_… of linux/btf.h."""

    VOID = 0
    INT = 1
    PTR = 2
    ARRAY = 3
    STRUCT = 4
    UNION = 5
    ENUM = 6
    FWD = 7
    TYPEDEF = 8
    VOLATILE = 9
    CONST = 10
    RESTRICT = 11
    FUNC = 12
    FUNC_PROTO = 13
    VAR = 14
    DATASEC = 15
    FLOAT = 16
    DECL_TAG = 17
    TYPE_TAG = 18
    ENUM64 = 19


# What follows a record: bytes, and bytes for each of its parts.
TRAILERS: Mapping[int, tuple[int, int]] = {
    Kind.INT: (4, 0),
    Kind.ARRAY: (ARRAY.size, 0),
    Kind.STRUCT: (0, MEMBER.size),
    Kind.UNION: (0, MEMBER.size),
    Kind.ENUM: (0, 8),
    Kind.FUNC_PROTO: (0, 8),
    Kind.VAR: (4, 0),
    Kind.DATASEC: (0, 12),
    Kind.DECL_TAG: (4, 0),
    Kind.ENUM64: (0, 12),
}
QUALIFIERS = {Kind.TYPEDEF, Kind.VOLATILE, Kind.CONST, Kind.RESTRICT, Kind.TYPE_TAG}
COMPOSITES = {Kind.STRUCT, Kind.UNION}
ENUMS = {Kind.ENUM, Kind.ENUM64}


@frozen
class Field:
    """A member of a struct or union; unnamed for an anonymous struct or union inside."""

    name: str
    type: int


@dataclass(frozen=True, kw_only=True)
class BtfFile:
    """The types by their ids, which count from 1; 0 is void."""

    content: bytes
    strings: int  # where the names begin
    records: tuple[tuple[int, int, int, int], ...]  # name, info, size or type, where its parts are

    @classmethod
    def parse(cls, content: bytes) -> "BtfFile":
        """The types in `content`; ValueError when it is not little-endian BTF."""
        try:
            magic, _, _, length, types, size, strings, _ = HEADER.unpack_from(content)
            if magic != MAGIC:
                raise ValueError("not little-endian BTF")
            records = tuple(_records(content, length + types, length + types + size))
        except (struct.error, IndexError) as error:
            raise ValueError(f"damaged BTF: {error}") from error
        return cls(content=content, strings=length + strings, records=((0, 0, 0, 0), *records))

    def kind(self, identifier: int) -> Kind:
        """What it is."""
        return Kind(self.records[identifier][1] >> 24 & 0x1F)

    def name(self, identifier: int) -> str:
        """Its name; "" without."""
        return self.text(self.records[identifier][0])

    def target(self, identifier: int) -> int:
        """The type that a pointer, typedef or qualifier is of."""
        return self.records[identifier][2]

    def resolve(self, identifier: int) -> int:
        """The type behind all typedefs and qualifiers; ValueError where there is none."""
        for _ in range(DEEPEST):
            if self.kind(identifier) not in QUALIFIERS:
                return identifier
            identifier = self.target(identifier)
        raise ValueError(f"damaged BTF: type {identifier} is made of itself")

    def fields(self, identifier: int) -> Iterator[Field]:
        """The members of a struct or union."""
        for name, member, _ in self.members(identifier):
            yield Field(name=self.text(name), type=member)

    def flag(self, identifier: int) -> bool:
        """Its kind_flag: bit fields in a struct, signed values in an enum."""
        return bool(self.records[identifier][1] >> 31)

    @functools.cached_property
    def marks_signed(self) -> bool:
        """Whether its compiler tells signed enums from others: some are marked."""
        return any(
            self.kind(number) in ENUMS and self.flag(number) for number in range(len(self.records))
        )

    def members(self, identifier: int) -> Iterator[tuple[int, ...]]:
        """The members of a struct or union: name, type, offset."""
        yield from self._parts(identifier, MEMBER)

    def integer(self, identifier: int) -> tuple[int, int]:
        """The encoding and the bits of an integer."""
        (word,) = WORD.unpack_from(self.content, self.records[identifier][3])
        return word >> 24 & 0xF, word & 0xFF

    def values(self, identifier: int) -> Iterator[tuple[str, int]]:
        """The names and values of an enum, as unsigned numbers."""
        wide = self.kind(identifier) is Kind.ENUM64
        for name, low, *high in self._parts(identifier, WIDE_VALUE if wide else VALUE):
            yield self.text(name), low | high[0] << 32 if high else low

    def is_static(self, identifier: int) -> bool:
        """Whether a variable is static (BTF_VAR_STATIC)."""
        return WORD.unpack_from(self.content, self.records[identifier][3]) == (0,)

    def variables(self, identifier: int) -> Iterator[tuple[int, int]]:
        """The variables of a data section: type id, size."""
        for variable, _, size in self._parts(identifier, VARIABLE):
            yield variable, size

    def element(self, identifier: int) -> tuple[int, int]:
        """The type and the number of an array's elements."""
        element, _, count = ARRAY.unpack_from(self.content, self.records[identifier][3])
        return element, count

    def enumerators(self, identifier: int) -> Iterator[str]:
        """The names of an enum's values."""
        yield from (name for name, _ in self.values(identifier))

    def named(self, name: str) -> tuple[int, ...]:
        """The types of that name, whatever their flavour."""
        return tuple(self._names.get(essential(name), ()))

    def text(self, offset: int) -> str:
        """The text at `offset` of the string section; ValueError where it has no end."""
        start = self.strings + offset
        end = self.content.index(b"\0", start, start + LONGEST_NAME)
        return self.content[start:end].decode(errors="replace")

    @functools.cached_property
    def _names(self) -> Mapping[str, list[int]]:
        found: dict[str, list[int]] = {}
        for identifier, record in enumerate(self.records):
            if record[0]:
                found.setdefault(essential(self.text(record[0])), []).append(identifier)
        return found

    def _parts(self, identifier: int, shape: struct.Struct) -> Iterator[tuple[int, ...]]:
        _, info, _, start = self.records[identifier]
        count = info & 0xFFFF
        end = start + count * shape.size
        if end > len(self.content):
            raise ValueError("damaged BTF: it ends within a type")
        yield from shape.iter_unpack(self.content[start:end])


def essential(name: str) -> str:
    """A type's name without the flavour."""
    head, flavour, _ = name.partition(FLAVOUR)
    return head if head and flavour else name


def _records(content: bytes, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    while start < end:
        name, info, value = RECORD.unpack_from(content, start)
        start += RECORD.size
        yield name, info, value, start
        fixed, each = TRAILERS.get(info >> 24 & 0x1F, (0, 0))
        start += fixed + each * (info & 0xFFFF)
