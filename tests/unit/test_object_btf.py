"""Types out of BTF, where it does not say all that C did."""

import struct

import pytest

from fleetbpf.model import btf
from fleetbpf.objects import object_btf
from fleetbpf.objects.btf_file import Kind

STRINGS = b"\0A\0B\0"
FLAG = 1 << 31
OTHER = struct.pack("<III", 0, FLAG | Kind.ENUM << 24, 4)  # its compiler marks signed enums


def read(types: bytes) -> btf.Type:
    """The first type in this BTF."""
    header = struct.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(types), len(types), len(STRINGS))
    return object_btf.read(header + types + STRINGS)[1]


def enum(*values: int, size: int = 4, flag: int = 0) -> bytes:
    head = struct.pack("<III", 0, flag | Kind.ENUM << 24 | len(values), size)
    return head + b"".join(struct.pack("<Ii", 1, value) for value in values)


def enum64(*values: int, flag: int = 0) -> bytes:
    head = struct.pack("<III", 0, flag | Kind.ENUM64 << 24 | len(values), 8)
    return head + b"".join(
        struct.pack("<III", 1, value & 0xFFFFFFFF, value >> 32 & 0xFFFFFFFF) for value in values
    )


@pytest.mark.parametrize(
    ("types", "signed"),
    [
        pytest.param(enum(-2, 0, 1), True, id="negative"),
        pytest.param(enum(-4095, 7), True, id="errors"),
        pytest.param(enum(-128, size=1), True, id="one byte"),
        pytest.param(enum(-(2**15), size=2), True, id="two bytes"),
        pytest.param(enum(-1, 0, size=8), True, id="cut to four bytes"),
        pytest.param(enum64(-1, 1 << 40), True, id="of 64 bits"),
        pytest.param(enum64(-1, flag=FLAG), True, id="of 64 bits, marked"),
        pytest.param(enum(1, flag=FLAG), True, id="marked"),
        pytest.param(enum(0, 1, 0x7FFFFFFF), False, id="none negative"),
        pytest.param(enum(255, size=1), False, id="one byte, none negative"),
        pytest.param(enum(1, 2, -(2**31)), False, id="flags"),
        pytest.param(enum(1, -(2**31), -1), False, id="flags, and all of them"),
        pytest.param(enum64(1, -(2**63)), False, id="flags of 64 bits"),
        pytest.param(enum(1, -1) + OTHER, False, id="another is marked"),
    ],
)
def test_an_enum_with_a_negative_value_is_signed(types: bytes, signed: bool) -> None:
    found = read(types)
    assert isinstance(found, btf.Enumeration)
    assert found.signed is signed
