"""What is read out of an object's BTF and ELF; whole objects are in the integration tests."""

import pytest

from fleetbpf.model import btf
from fleetbpf.model.description import ConstantKind
from fleetbpf.objects import description, elf

# const volatile int min_uid; const volatile bool loud; const volatile char prefix[16];
# const int folded; static const volatile in a function; const volatile int numbers[4];
INT = btf.Integer(name="int", size=4, bits=32, signed=True, boolean=False)
BOOL = btf.Integer(name="_Bool", size=1, bits=8, signed=False, boolean=True)
CHAR = btf.Integer(name="char", size=1, bits=8, signed=True, boolean=False)
NAMES = {20: "min_uid", 21: "loud", 22: "prefix", 23: "folded", 25: "numbers", 28: "counter"}
OTHERS = {24: "f.inner", 26: "bpf_metadata_x", 27: "mine"}
SHAPES = {20: 5, 21: 13, 22: 9, 23: 10, 24: 5, 25: 11, 26: 9, 27: 4, 28: 4}
SIZES = (4, 1, 16, 4, 4, 16, 16)
TYPES: btf.Types = {
    0: btf.Void(),
    1: INT,
    2: BOOL,
    3: CHAR,
    4: btf.Alias(name="", target=1, volatile=True),
    5: btf.Alias(name="", target=4),
    6: btf.Alias(name="", target=2, volatile=True),
    7: btf.Alias(name="", target=3, volatile=True),
    8: btf.Alias(name="", target=7),
    9: btf.Array(element=8, count=16),
    10: btf.Alias(name="", target=1),
    11: btf.Array(element=5, count=4),
    12: btf.Alias(name="bool", target=2),
    13: btf.Alias(name="", target=12, volatile=True),
    **{
        number: btf.Variable(name=name, type=SHAPES[number], static=number in {24, 27})
        for number, name in {**NAMES, **OTHERS}.items()
    },
    30: btf.Section(name=".rodata", variables=tuple(zip(range(20, 27), SIZES, strict=True))),
    31: btf.Section(name=".rodata.mine", variables=((27, 4),)),
    32: btf.Section(name=".bss", variables=((28, 4),)),
}


def test_constants_are_the_volatile_globals() -> None:
    found = {item.name: item for item in description.constants(TYPES)}
    assert set(found) == {"min_uid", "loud", "prefix", "numbers", "mine"}
    assert found["min_uid"].kind is ConstantKind.INTEGER
    assert found["loud"].kind is ConstantKind.BOOLEAN
    assert found["loud"].c_type == "bool"
    assert (found["prefix"].kind, found["prefix"].size) == (ConstantKind.TEXT, 16)
    assert (found["numbers"].kind, found["numbers"].type) == (ConstantKind.ARRAY, 11)
    assert found["mine"].section == ".rodata.mine"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"#!/bin/sh\n",
        b"\x7fELF\x02\x01",
        b"\x7fELF\x01\x01" + bytes(100),
        b"\x7fELF\x02\x01" + bytes(100),
        b"\x7fELF\x02\x01" + b"\xff" * 100,
    ],
)
def test_what_is_not_an_object_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="ELF"):
        elf.parse(content)
