"""What a field means beyond its C type: which types a hint fits, and the C call that writes it."""

from enum import StrEnum
from typing import assert_never

from fleetbpf.model import btf
from fleetbpf.model.btf import Types

TYPEDEF = "fleetbpf_"  # of fleetbpf.h: `fleetbpf_ipv4 saddr;`


class Hint(StrEnum):
    """What a field's bytes stand for."""

    IPV4 = "ipv4"
    IPV6 = "ipv6"
    MAC = "mac"
    PORT = "port"
    UID = "uid"
    GID = "gid"
    SYSCALL = "syscall"
    SIGNAL = "signal"
    ERRNO = "errno"
    KSYM = "ksym"
    BOOTTIME = "boottime"
    DURATION = "duration"
    BYTES = "bytes"
    STRING = "string"
    HEX = "hex"


LARGEST = 8  # bytes of a number

# Numbers that stay numbers in records; `fleetbpf logs` writes them as people do.
UNITS = {Hint.DURATION, Hint.BYTES}


def of_typedef(types: Types, identifier: int) -> Hint | None:
    """The hint that the type's own name carries."""
    found = types[identifier]
    if not isinstance(found, btf.Alias) or not found.name.startswith(TYPEDEF):
        return None
    name = found.name.removeprefix(TYPEDEF)
    hint = Hint(name) if name in set(Hint) else None
    # A typedef of somebody else's may have the name and another shape.
    return None if hint is None or call(types, identifier, hint) is None else hint


def fits(types: Types, identifier: int, hint: Hint) -> bool:
    """Whether a field of the type can be written so: as a whole, or each element of an array."""
    if call(types, identifier, hint) is not None:
        return True
    shape = btf.resolve(types, identifier)
    return isinstance(shape, btf.Array) and fits(types, shape.element, hint)


def fits_tail(types: Types, array: btf.Array, hint: Hint) -> bool:
    """Whether the rest of a record can be written so: text for single bytes, else hex."""
    return hint is Hint.HEX or (hint is Hint.STRING and btf.size(types, array.element) == 1)


def call(types: Types, identifier: int, hint: Hint) -> str | None:
    """The statement that writes a value of the type that lies at `at`; None: it does not fit."""
    shape, size = btf.resolve(types, identifier), btf.size(types, identifier)
    if not _suits(types, shape, size, hint):
        return None
    signed = isinstance(shape, btf.Integer | btf.Enumeration) and shape.signed
    sized = f"(out, at, {size}, {'true' if signed else 'false'});"
    match hint:
        case Hint.IPV4 | Hint.IPV6 | Hint.MAC | Hint.PORT | Hint.KSYM | Hint.BOOTTIME:
            return f"fb_encode_{hint}(out, at);"
        case Hint.SYSCALL | Hint.SIGNAL | Hint.ERRNO:
            return f"fb_encode_{hint}{sized}"
        case Hint.UID | Hint.GID | Hint.DURATION | Hint.BYTES:
            return f"fb_encode_integer{sized}"
        case Hint.STRING:
            return f"fb_encode_chars(out, at, {size});"
        case Hint.HEX:
            number = is_integer(shape) and size <= LARGEST
            return f"fb_encode_{'hex' if number else 'bytes'}(out, at, {size});"
        case _:
            assert_never(hint)


def _suits(types: Types, shape: btf.Type, size: int, hint: Hint) -> bool:
    """Whether a value of this shape can be what the hint says."""
    match hint:
        case Hint.IPV4:
            return size == 4 and (is_integer(shape) or is_bytes(types, shape))
        case Hint.IPV6:
            return size == 16
        case Hint.MAC:
            return size == 6 and is_bytes(types, shape)
        case Hint.PORT:
            return size == 2 and is_integer(shape)
        case Hint.KSYM:
            return size == 8 and (is_integer(shape) or isinstance(shape, btf.Pointer))
        case Hint.BOOTTIME:
            return size == 8 and is_integer(shape)
        case Hint.STRING:
            return is_bytes(types, shape)
        case Hint.HEX:
            return size > 0
        case _:
            return size <= LARGEST and is_integer(shape)


def is_integer(shape: btf.Type) -> bool:
    """Whether it is a number, an enum's too."""
    return isinstance(shape, btf.Integer | btf.Enumeration)


def is_bytes(types: Types, shape: btf.Type) -> bool:
    """Whether it is an array of single bytes."""
    return isinstance(shape, btf.Array) and btf.size(types, shape.element) == 1
