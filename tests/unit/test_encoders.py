"""Generated C: each kind of type, compiled with the sanitizers and fed with bytes."""

import json
import math
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from fleetbpf.build import encoders
from fleetbpf.model import btf
from fleetbpf.model.btf import Types
from tests.unit.sanitized import ask, compile_objects, link_driver

Encode = Callable[..., Any]

INT = btf.Integer(name="int", size=4, bits=32, signed=True, boolean=False)
U64 = btf.Integer(name="unsigned long long", size=8, bits=64, signed=False, boolean=False)
U8 = btf.Integer(name="unsigned char", size=1, bits=8, signed=False, boolean=False)
CHAR = btf.Integer(name="char", size=1, bits=8, signed=True, boolean=False)
BOOL = btf.Integer(name="_Bool", size=1, bits=8, signed=False, boolean=True)
WIDE = btf.Integer(name="__int128", size=16, bits=128, signed=True, boolean=False)


@pytest.fixture(scope="module")
def encode(tmp_path_factory: pytest.TempPathFactory) -> Encode:
    """Encodes the bytes of a value of type 1."""
    folder = tmp_path_factory.mktemp("encoders")
    objects = compile_objects(folder)

    def run(types: Types, value: bytes, symbols: Path | None = None) -> Any:
        code = "\n".join(encoder.code for encoder in encoders.for_type(types, 1))
        name = encoders.name_of(types, 1)
        driver = link_driver(folder, objects, f"{code}\n#define encode_it {name}\n")
        return json.loads(ask(driver, "encode", *filter(None, [symbols]), stdin=value))

    return run


def member(name: str, kind: int, bits: int, size: int = 0) -> btf.Member:
    return btf.Member(name=name, type=kind, bit_offset=bits, bit_size=size)


def structure(size: int, *members: btf.Member, union: bool = False, name: str = "s") -> btf.Struct:
    return btf.Struct(name=name, size=size, union=union, members=members)


def typedef(hint: str, target: int, identifier: int = 1) -> Mapping[int, btf.Type]:
    """A typedef of fleetbpf.h, and what such types are made of."""
    return {
        identifier: btf.Alias(name=f"fleetbpf_{hint}", target=target),
        2: U64,
        3: btf.Integer(name="unsigned int", size=4, bits=32, signed=False, boolean=False),
        4: btf.Array(element=10, count=16),
        5: btf.Array(element=10, count=6),
        6: btf.Integer(name="unsigned short", size=2, bits=16, signed=False, boolean=False),
        7: INT,
        10: U8,
    }


COLOURS = btf.Enumeration(
    name="colour",
    size=4,
    signed=False,
    values=(("RED", 1), ("ROUGE", 1), ("GREEN", 0xFFFFFFFE)),
)
LARGE = btf.Enumeration(name="large", size=8, signed=False, values=(("HUGE", 1 << 40),))


@pytest.mark.parametrize(
    ("types", "value", "expected"),
    [
        pytest.param({1: INT}, struct.pack("<i", -(2**31)), -(2**31), id="lowest int"),
        pytest.param({1: U64}, b"\xff" * 8, 2**64 - 1, id="largest u64"),
        pytest.param({1: U8}, b"\x80", 128, id="unsigned char"),
        pytest.param({1: CHAR}, b"\x80", -128, id="char"),
        pytest.param({1: BOOL}, b"\x01", True, id="true"),
        pytest.param({1: BOOL}, b"\x00", False, id="false"),
        pytest.param({1: WIDE}, b"\x01" + b"\0" * 15, "01" + "00" * 15, id="128 bits as hex"),
        pytest.param({1: btf.Alias(name="u8", target=2), 2: U8}, b"\x07", 7, id="typedef"),
        pytest.param({1: COLOURS}, struct.pack("<I", 1), "RED", id="first of two names"),
        pytest.param({1: COLOURS}, struct.pack("<i", -2), "GREEN", id="negative name"),
        pytest.param({1: COLOURS}, struct.pack("<I", 9), 9, id="no such name"),
        pytest.param({1: LARGE}, struct.pack("<Q", 1 << 40), "HUGE", id="enum of 64 bits"),
        pytest.param({1: btf.Floating(name="float", size=4)}, struct.pack("<f", 0.5), 0.5, id="f"),
        pytest.param({1: btf.Floating(name="d", size=8)}, struct.pack("<d", 0.1), 0.1, id="double"),
        pytest.param(
            {1: btf.Floating(name="d", size=8)}, struct.pack("<d", math.nan), None, id="NaN"
        ),
        pytest.param({1: btf.Pointer(target=0)}, b"\xef\xbe" + b"\0" * 6, "0xbeef", id="pointer"),
        pytest.param({1: btf.Array(element=2, count=4), 2: CHAR}, b"ab\0c", "ab", id="text"),
        pytest.param(
            {1: btf.Array(element=2, count=3), 2: CHAR}, b"a\xff\n", "a\xff\n", id="text, no NUL"
        ),
        pytest.param({1: btf.Array(element=2, count=3), 2: U8}, b"\1\2\3", [1, 2, 3], id="bytes"),
        pytest.param({1: btf.Array(element=2, count=0), 2: U8}, b"", [], id="nothing"),
        pytest.param(
            {1: btf.Array(element=2, count=2), 2: btf.Array(element=3, count=2), 3: U8},
            b"\1\2\3\4",
            [[1, 2], [3, 4]],
            id="array of arrays",
        ),
        pytest.param({1: structure(0)}, b"", {}, id="empty struct"),
        pytest.param(
            {
                1: structure(
                    8, member("low", 2, 0, 3), member("high", 3, 3, 5), member("far", 2, 30, 4)
                ),
                2: btf.Alias(name="u32", target=4),
                3: INT,
                4: U64,
            },
            struct.pack("<Q", 5 | (0x1D << 3) | (9 << 30)),
            {"low": 5, "high": -3, "far": 9},
            id="bit fields",
        ),
        pytest.param(
            {
                1: structure(12, member("a", 2, 0), member("", 3, 32), member("", 4, 64)),
                2: INT,
                3: structure(4, member("x", 2, 0), member("y", 5, 0), union=True, name=""),
                4: structure(4, member("z", 2, 0), name=""),
                5: U8,
            },
            struct.pack("<iii", 1, 258, 3),
            {"a": 1, "x": 258, "y": 2, "z": 3},
            id="anonymous members",
        ),
        pytest.param(
            {
                1: structure(8, member("lock", 2, 0), member("n", 3, 32)),
                2: structure(4, member("val", 3, 0), name="bpf_spin_lock"),
                3: INT,
            },
            struct.pack("<ii", 1, 2),
            {"n": 2},
            id="what only the kernel uses",
        ),
        pytest.param(typedef("ipv4", 3), b"\xc0\x00\x02\x01", "192.0.2.1", id="ipv4"),
        pytest.param(typedef("ipv6", 4), bytes(15) + b"\1", "::1", id="ipv6"),
        pytest.param(
            typedef("ipv6", 4),
            bytes.fromhex("20010db8000000000001000000000001"),
            "2001:db8::1:0:0:1",
            id="ipv6, the first of two gaps",
        ),
        pytest.param(
            typedef("ipv6", 4),
            bytes(10) + b"\xff\xff\xc0\x00\x02\x01",
            "::ffff:192.0.2.1",
            id="ipv6 of an ipv4",
        ),
        pytest.param(typedef("mac", 5), b"\x52\x54\0\x12\x34\xff", "52:54:00:12:34:ff", id="mac"),
        pytest.param(typedef("port", 6), b"\x01\xbb", 443, id="port"),
        pytest.param(typedef("uid", 3), b"\xff" * 4, 2**32 - 1, id="uid"),
        pytest.param(typedef("syscall", 7), struct.pack("<i", 424), "pidfd_send_signal", id="call"),
        pytest.param(typedef("syscall", 7), struct.pack("<i", -1), -1, id="no system call"),
        pytest.param(typedef("signal", 7), struct.pack("<i", 9), "SIGKILL", id="signal"),
        pytest.param(typedef("signal", 7), struct.pack("<i", 40), 40, id="signal of real time"),
        pytest.param(typedef("errno", 7), struct.pack("<i", -2), "ENOENT", id="negative errno"),
        pytest.param(typedef("errno", 7), struct.pack("<i", 2), "ENOENT", id="errno"),
        pytest.param(typedef("errno", 7), struct.pack("<i", 0), 0, id="no error"),
        pytest.param(typedef("errno", 7), struct.pack("<i", -9999), -9999, id="no such errno"),
        pytest.param(
            typedef("boottime", 2),
            struct.pack("<Q", 1_700_000_000_000_000_001),
            "2023-11-14T22:13:20.000000001Z",
            id="boottime",
        ),
        pytest.param(typedef("duration", 2), b"\xff" * 8, 2**64 - 1, id="duration"),
        pytest.param(typedef("bytes", 2), struct.pack("<Q", 4096), 4096, id="bytes"),
        pytest.param(typedef("ipv4", 2), b"\1" + bytes(7), 1, id="a hint that does not fit"),
        pytest.param(
            {1: btf.Array(element=8, count=2), 8: typedef("ipv4", 3)[1], **typedef("ipv4", 3, 9)},
            b"\x7f\0\0\1\x0a\0\0\2",
            ["127.0.0.1", "10.0.0.2"],
            id="array of hinted",
        ),
        pytest.param(
            {1: structure(8, member("next", 2, 0)), 2: btf.Pointer(target=1)},
            b"\0" * 8,
            {"next": "0x0"},
            id="a struct that points to itself",
        ),
    ],
)
def test_a_value_becomes_json(
    encode: Encode, types: Mapping[int, btf.Type], value: bytes, expected: object
) -> None:
    assert encode({0: btf.Void(), **types}, value) == expected


KALLSYMS = """\
ffffffff81000200 T later
ffffffff81000000 T first
ffffffff81000000 t its_other_name
ffffffff81000100 d a_variable
ffffffffc0000000 t in_a_module\t[nf_tables]
"""


@pytest.mark.parametrize(
    ("address", "text"),
    [
        (0xFFFFFFFF81000000, "first+0x0"),
        (0xFFFFFFFF81000110, "first+0x110"),
        (0xFFFFFFFF81000201, "later+0x1"),
        (0xFFFFFFFFC0000010, "in_a_module+0x10 [nf_tables]"),
        (0xFFFFFFFF80FFFFFF, "0xffffffff80ffffff"),
        (0xFFFFFFFFD0000000, "0xffffffffd0000000"),
    ],
)
def test_an_address_of_the_kernel_is_a_function(
    encode: Encode, tmp_path: Path, address: int, text: str
) -> None:
    (tmp_path / "kallsyms").write_text(KALLSYMS)
    types = {0: btf.Void(), **typedef("ksym", 2)}
    assert encode(types, struct.pack("<Q", address), tmp_path / "kallsyms") == text


@pytest.mark.parametrize("symbols", ["", "0000000000000000 T first\n"])
def test_an_address_stays_where_the_kernel_hides_its_own(
    encode: Encode, tmp_path: Path, symbols: str
) -> None:
    (tmp_path / "kallsyms").write_text(symbols)
    types = {0: btf.Void(), **typedef("ksym", 2)}
    assert encode(types, struct.pack("<Q", 0x1234), tmp_path / "kallsyms") == "0x1234"


@pytest.mark.parametrize(
    ("size", "call"),
    [
        (4, "fb_encode_integer(out, at, 4, false);"),
        (3, "fb_encode_bytes(out, at, 3);"),
        (16, "fb_encode_bytes(out, at, 16);"),
    ],
)
def test_what_has_a_size_only_is_a_number_or_hex(size: int, call: str) -> None:
    assert call in encoders.for_size(size).code


@pytest.mark.parametrize(
    ("text", "literal"),
    [
        ("plain", '"plain"'),
        ('a"b\\c\n', '"a\\"b\\\\c\\n"'),
        ("??=", '"\\077\\077="'),
        ("ż1", '"\\305\\2741"'),
        ("\0001", '"\\0001"'),
    ],
)
def test_a_c_string_holds_any_text(text: str, literal: str) -> None:
    assert encoders.c_string(text) == literal
