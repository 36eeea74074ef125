"""Where in its source an instruction comes from: the lines that .BTF.ext keeps of each function."""

import bisect
import posixpath
import struct
from collections.abc import Iterator, Mapping

from fleetbpf.frozen import frozen
from fleetbpf.objects.btf_file import BtfFile
from fleetbpf.objects.elf import Elf

# struct btf_ext_header: its length, then where the lines are, from its end.
HEADER = struct.Struct("<4xI8xII")
WORD = struct.Struct("<I")
GROUP = struct.Struct("<II")  # section's name, count
LINE = struct.Struct("<IIII")  # instruction's offset, file's name, text, line << 10 | column
COLUMN_BITS = 10


@frozen
class Line:
    """The first instruction of a place in the source."""

    offset: int  # bytes from the section's begin
    place: str  # "hello.bpf.c:17"


@frozen
class SourceLines:
    """The places that an object keeps, by section."""

    sections: Mapping[str, tuple[Line, ...]]  # in the order of the offsets

    @classmethod
    def of(cls, parts: Elf) -> "SourceLines":
        """The places of an object; none where it keeps none, or none that can be read."""
        types, extension = parts.section(".BTF"), parts.section(".BTF.ext")
        if types is None or extension is None:
            return cls(sections={})
        found: dict[str, list[Line]] = {}
        try:
            for section, line in lines(BtfFile.parse(types.content), extension.content):
                found.setdefault(section, []).append(line)
        except (struct.error, ValueError, IndexError):
            return cls(sections={})
        ordered = {
            section: tuple(sorted(each, key=lambda line: line.offset))
            for section, each in found.items()
        }
        return cls(sections=ordered)

    def place(self, section: str, offset: int) -> str:
        """Where the instruction comes from; "" where that is not known."""
        known = self.sections.get(section, ())
        before = bisect.bisect_right(known, offset, key=lambda line: line.offset)
        return known[before - 1].place if before else ""


def lines(types: BtfFile, content: bytes) -> Iterator[tuple[str, Line]]:
    """Each section's name with one of its lines."""
    header, offset, length = HEADER.unpack_from(content)
    start, end = header + offset, header + offset + length
    if start == end:
        return
    (size,) = WORD.unpack_from(content, start)
    if size < LINE.size:
        raise ValueError(f"lines of {size} bytes")
    start += WORD.size
    while start < end:
        name, count = GROUP.unpack_from(content, start)
        start += GROUP.size
        section = types.text(name)
        for at in range(start, start + size * count, size):
            instruction, file, _, position = LINE.unpack_from(content, at)
            place = f"{posixpath.normpath(types.text(file))}:{position >> COLUMN_BITS}"
            yield section, Line(offset=instruction, place=place)
        start += size * count
