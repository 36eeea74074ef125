"""BTF in place: what is no BTF, or cut short, is told; whole files are read elsewhere."""

import struct

import pytest

from fleetbpf.objects.btf_file import BtfFile, Kind, essential

STRINGS = b"\0int\0task\0pid\0task___old\0"
INT = struct.pack("<IIII", 1, Kind.INT << 24, 4, 32)
TASK = struct.pack("<IIIIII", 5, Kind.STRUCT << 24 | 1, 4, 10, 1, 0)
OLD = struct.pack("<III", 14, Kind.STRUCT << 24, 0)


def btf(types: bytes) -> bytes:
    header = struct.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(types), len(types), len(STRINGS))
    return header + types + STRINGS


def test_types_are_read_by_their_ids() -> None:
    found = BtfFile.parse(btf(INT + TASK))
    assert (found.kind(0), found.kind(1), found.name(2)) == (Kind.VOID, Kind.INT, "task")
    assert [(field.name, field.type) for field in found.fields(2)] == [("pid", 1)]


def test_a_flavour_is_found_by_the_name_of_what_it_is_one_of() -> None:
    assert BtfFile.parse(btf(INT + TASK + OLD)).named("task___new") == (2, 3)


@pytest.mark.parametrize(
    ("name", "of"), [("task___old", "task"), ("task", "task"), ("___", "___"), ("a___b___c", "a")]
)
def test_the_essential_name_ends_at_three_underscores(name: str, of: str) -> None:
    assert essential(name) == of


@pytest.mark.parametrize("content", [b"", b"<html>" * 9, btf(INT)[:20], btf(INT)[:30]])
def test_what_is_no_btf_is_told(content: bytes) -> None:
    with pytest.raises(ValueError, match="BTF"):
        BtfFile.parse(content)
