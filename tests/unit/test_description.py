"""What is read out of an object's BTF and ELF; whole objects are in the integration tests."""

import pytest

from fleetbpf import btf, description, elf
from fleetbpf.model.description import ConstantKind

# const volatile int min_uid; const volatile bool loud; const volatile char prefix[16];
# const int folded; static const volatile in a function; const volatile int numbers[4];
TYPES = {
    "types": [
        {"id": 1, "kind": "INT", "name": "int", "size": 4, "nr_bits": 32, "encoding": "SIGNED"},
        {"id": 2, "kind": "INT", "name": "_Bool", "size": 1, "nr_bits": 8, "encoding": "BOOL"},
        {"id": 3, "kind": "INT", "name": "char", "size": 1, "nr_bits": 8, "encoding": "SIGNED"},
        {"id": 4, "kind": "VOLATILE", "name": "(anon)", "type_id": 1},
        {"id": 5, "kind": "CONST", "name": "(anon)", "type_id": 4},
        {"id": 6, "kind": "VOLATILE", "name": "(anon)", "type_id": 2},
        {"id": 7, "kind": "VOLATILE", "name": "(anon)", "type_id": 3},
        {"id": 8, "kind": "CONST", "name": "(anon)", "type_id": 7},
        {"id": 9, "kind": "ARRAY", "name": "(anon)", "type_id": 8, "nr_elems": 16},
        {"id": 10, "kind": "CONST", "name": "(anon)", "type_id": 1},
        {"id": 11, "kind": "ARRAY", "name": "(anon)", "type_id": 5, "nr_elems": 4},
        {"id": 12, "kind": "TYPEDEF", "name": "bool", "type_id": 2},
        {"id": 13, "kind": "VOLATILE", "name": "(anon)", "type_id": 12},
        {"id": 20, "kind": "VAR", "name": "min_uid", "type_id": 5, "linkage": "global"},
        {"id": 21, "kind": "VAR", "name": "loud", "type_id": 13, "linkage": "global"},
        {"id": 22, "kind": "VAR", "name": "prefix", "type_id": 9, "linkage": "global"},
        {"id": 23, "kind": "VAR", "name": "folded", "type_id": 10, "linkage": "global"},
        {"id": 24, "kind": "VAR", "name": "f.inner", "type_id": 5, "linkage": "static"},
        {"id": 25, "kind": "VAR", "name": "numbers", "type_id": 11, "linkage": "global"},
        {"id": 26, "kind": "VAR", "name": "bpf_metadata_x", "type_id": 9, "linkage": "global"},
        {"id": 27, "kind": "VAR", "name": "mine", "type_id": 4, "linkage": "static"},
        {"id": 28, "kind": "VAR", "name": "counter", "type_id": 4, "linkage": "global"},
        {
            "id": 30,
            "kind": "DATASEC",
            "name": ".rodata",
            "vars": [
                {"type_id": identifier, "offset": 0, "size": size}
                for identifier, size in zip(range(20, 27), (4, 1, 16, 4, 4, 16, 16), strict=True)
            ],
        },
        {
            "id": 31,
            "kind": "DATASEC",
            "name": ".rodata.mine",
            "vars": [{"type_id": 27, "offset": 0, "size": 4}],
        },
        {
            "id": 32,
            "kind": "DATASEC",
            "name": ".bss",
            "vars": [{"type_id": 28, "offset": 0, "size": 4}],
        },
    ]
}


def test_constants_are_the_volatile_globals() -> None:
    found = {item.name: item for item in description.constants(btf.parse(TYPES))}
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
