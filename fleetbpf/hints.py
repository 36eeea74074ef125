"""What a field means beyond its C type: which types a hint fits, and the C call that writes it."""

from enum import StrEnum
from typing import assert_never

from fleetbpf import btf
from fleetbpf.btf import Types

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


def call(types: Types, identifier: int, hint: Hint) -> str | None:
    """The statement that writes a value of the type that lies at `at`; None: it does not fit."""
    shape = btf.resolve(types, identifier)
    size = btf.size(types, identifier)
    integer = isinstance(shape, btf.Integer | btf.Enumeration)
    match hint:
        case Hint.IPV4 if size == 4 and (integer or is_bytes(types, shape)):
            return "fb_encode_ipv4(out, at);"
        case Hint.IPV6 if size == 16:
            return "fb_encode_ipv6(out, at);"
        case Hint.MAC if size == 6 and is_bytes(types, shape):
            return "fb_encode_mac(out, at);"
        case Hint.PORT if size == 2 and integer:
            return "fb_encode_port(out, at);"
        case Hint.SYSCALL | Hint.SIGNAL | Hint.ERRNO if integer and size <= 8:
            return f"fb_encode_{hint}(out, at, {size}, {_is_signed(shape)});"
        case Hint.KSYM if size == 8 and (integer or isinstance(shape, btf.Pointer)):
            return "fb_encode_ksym(out, at);"
        case Hint.BOOTTIME if size == 8 and integer:
            return "fb_encode_boottime(out, at);"
        case Hint.UID | Hint.GID | Hint.DURATION | Hint.BYTES if integer and size <= 8:
            return f"fb_encode_integer(out, at, {size}, {_is_signed(shape)});"
        case (
            Hint.IPV4
            | Hint.IPV6
            | Hint.MAC
            | Hint.PORT
            | Hint.UID
            | Hint.GID
            | Hint.SYSCALL
            | Hint.SIGNAL
            | Hint.ERRNO
            | Hint.KSYM
            | Hint.BOOTTIME
            | Hint.DURATION
            | Hint.BYTES
        ):
            return None
        case _:
            assert_never(hint)


def is_bytes(types: Types, shape: btf.Type) -> bool:
    """Whether it is an array of single bytes."""
    return isinstance(shape, btf.Array) and btf.size(types, shape.element) == 1


def _is_signed(shape: btf.Type) -> str:
    signed = isinstance(shape, btf.Integer | btf.Enumeration) and shape.signed
    return "true" if signed else "false"
