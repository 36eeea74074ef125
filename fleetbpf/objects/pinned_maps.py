"""Maps that a program's releases share (LIBBPF_PIN_BY_NAME), and the shape by which they may."""

import hashlib
import json

from fleetbpf.model import btf
from fleetbpf.model.btf import Types

BY_NAME = 1  # LIBBPF_PIN_BY_NAME
# The loader reads ring buffers and perf event arrays, and two would take each other's records.
READ_BY_ONE = {4, 27}
DIGITS = 12
SHAPE = "shape of the pinned map "  # before its name, among what a release is made from


def shape(types: Types, key: int | None, value: int | None, *numbers: int) -> str:
    """12 digits that are the same where what one release wrote means the same to another.

    key and value: BTF type ids; numbers: the map's type, its sizes and flags.
    """
    parts = [numbers, *(None if each is None else layout(types, each) for each in (key, value))]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:DIGITS]


def layout(types: Types, identifier: int) -> object:
    """What lies where in a value of a type, and what it is called there."""
    match btf.resolve(types, identifier):
        case btf.Integer(size=size, bits=bits, signed=signed, boolean=boolean):
            return ["integer", size, bits, signed, boolean]
        case btf.Floating(size=size):
            return ["float", size]
        case btf.Enumeration(size=size, values=values):
            return ["enum", size, values]
        case btf.Array(element=element, count=count):
            return [layout(types, element), count]
        case btf.Struct(size=size, members=members):
            return [
                size,
                *(
                    [each.name, each.bit_offset, each.bit_size, layout(types, each.type)]
                    for each in members
                ),
            ]
        case btf.Pointer():
            return "pointer"
        case _:
            return None
