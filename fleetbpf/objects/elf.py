"""The parts of an ELF object that a build reads: sections, symbols and relocations.

libbpf reads the same file on the hosts; what the two could read differently is refused here.
"""

import struct
from collections.abc import Iterator

from fleetbpf.frozen import frozen

# elf(5): BPF objects that clang writes on our architectures are 64-bit little-endian.
MAGIC = b"\x7fELF\x02\x01"
HEADER = struct.Struct("<16xHHIQQQIHHHHHH")
SECTION = struct.Struct("<IIQQQQIIQQ")
SYMBOL = struct.Struct("<IBBHQQ")
RELOCATION = struct.Struct("<QQ")

SYMBOL_TABLE = 2  # SHT_SYMTAB
RELOCATIONS = 9  # SHT_REL, the only relocations that libbpf reads
NULL = 0  # SHT_NULL
NO_BITS = 8  # SHT_NOBITS
EXECUTABLE = 0x4  # SHF_EXECINSTR
FUNCTION = 2  # STT_FUNC
LOCAL = 0  # STB_LOCAL


@frozen
class Section:
    """One section and its bytes."""

    name: str
    executable: bool
    content: bytes


@frozen
class Symbol:
    """One symbol that a section defines."""

    name: str
    section: int  # index into the sections
    offset: int  # bytes from the section's begin
    function: bool
    local: bool


@frozen
class Relocation:
    """A place in a section that is filled in with what a symbol stands for."""

    section: int  # index into the sections
    offset: int  # bytes from the section's begin
    symbol: int  # index into the symbols


@frozen
class Elf:
    """An object file."""

    sections: tuple[Section, ...]
    symbols: tuple[Symbol, ...]
    relocations: tuple[Relocation, ...] = ()

    def section(self, name: str) -> Section | None:
        """The first section of that name."""
        return next((section for section in self.sections if section.name == name), None)


@frozen
class RawSection:
    """A section header as it is in the file."""

    name: int
    kind: int
    flags: int
    offset: int
    size: int
    link: int
    info: int


def parse(content: bytes) -> Elf:
    """The object in `content`; ValueError when it is not a 64-bit little-endian ELF file."""
    if not content.startswith(MAGIC):
        raise ValueError("not a 64-bit little-endian ELF file")
    try:
        return _parse(content)
    except (struct.error, IndexError, OverflowError, ValueError) as error:
        raise ValueError(f"a damaged ELF file: {error}") from error


def _parse(content: bytes) -> Elf:
    fields = HEADER.unpack_from(content)
    start, width, count, names_index = fields[5], fields[10], fields[11], fields[12]
    if width != SECTION.size:
        raise ValueError(f"section headers of {width} bytes")
    headers = [_header(content, start + n * SECTION.size) for n in range(count)]
    names = _bytes(content, headers[names_index])
    sections = tuple(
        Section(
            name=_text(names, header.name),
            executable=bool(header.flags & EXECUTABLE),
            content=_bytes(content, header),
        )
        for header in headers
    )
    tables = [header for header in headers if header.kind == SYMBOL_TABLE]
    if len(tables) > 1:
        raise ValueError("several symbol tables")
    return Elf(
        sections=sections,
        symbols=_symbols(content, tables[0], headers[tables[0].link]) if tables else (),
        relocations=tuple(_relocations(content, headers)),
    )


def _header(content: bytes, offset: int) -> RawSection:
    name, kind, flags, _, at, size, link, info, _, _ = SECTION.unpack_from(content, offset)
    return RawSection(name=name, kind=kind, flags=flags, offset=at, size=size, link=link, info=info)


def _bytes(content: bytes, header: RawSection) -> bytes:
    if header.kind in {NO_BITS, NULL}:
        return b""
    if header.offset + header.size > len(content):
        raise ValueError("a section that ends behind the file")
    return content[header.offset : header.offset + header.size]


def _relocations(content: bytes, headers: list[RawSection]) -> Iterator[Relocation]:
    for header in headers:
        if header.kind == RELOCATIONS:
            for offset, info in RELOCATION.iter_unpack(_bytes(content, header)):
                yield Relocation(section=header.info, offset=offset, symbol=info >> 32)


def _symbols(content: bytes, table: RawSection, strings: RawSection) -> tuple[Symbol, ...]:
    names = _bytes(content, strings)
    entries = SYMBOL.iter_unpack(_bytes(content, table))
    return tuple(
        Symbol(
            name=_text(names, name),
            section=section,
            offset=value,
            function=kind & 0xF == FUNCTION,
            local=kind >> 4 == LOCAL,
        )
        for name, kind, _, section, value, _ in entries
    )


def _text(names: bytes, offset: int) -> str:
    return names[offset : names.index(b"\0", offset)].decode()
