"""What cannot become a loader is told from the file's first bytes; whole objects are elsewhere."""

import struct

import pytest

from fleetbpf.build import refusals
from fleetbpf.objects.elf import Elf, Section, Symbol


def header(*, order: int = 1, kind: int = 1, machine: int = 247) -> bytes:
    return struct.pack("<4sBB10xHH", b"\x7fELF", 2, order, kind, machine) + b"\0" * 44


@pytest.mark.parametrize("machine", [0, 247])
def test_a_bpf_object_is_not_foreign(machine: int) -> None:
    assert refusals.foreign(header(machine=machine)) is None


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"BC\xc0\xde" + b"\0" * 60, "is LLVM bitcode, not an object"),
        (b"!<arch>\nhello.o", "is an archive, not an object"),
        (b"name: hello\n" * 9, "is not an object (an ELF file)"),
        (b"", "is not an object (an ELF file)"),
        (header(order=2), "is big-endian, and the hosts are little-endian"),
        (header(machine=62), "has machine code of another processor, not BPF"),
        (header(kind=3), "is linked to an executable or a library"),
    ],
)
def test_what_else_it_is_is_said(content: bytes, what: str) -> None:
    found = refusals.foreign(content)
    assert found is not None
    assert found[0] == what


def parts(*sections: tuple[str, bytes], undefined: str = "") -> Elf:
    return Elf(
        sections=tuple(
            Section(name=name, executable=False, content=content) for name, content in sections
        ),
        symbols=(Symbol(name=undefined, section=0, offset=0, function=False, local=False),),
    )


def test_maps_from_before_btf_are_refused() -> None:
    assert refusals.legacy_maps(parts(("maps", b""))) is not None
    assert refusals.legacy_maps(parts(("maps/mine", b""))) is not None
    assert refusals.legacy_maps(parts((".maps", b""))) is None


def test_maps_need_the_btf_that_declares_them() -> None:
    assert refusals.untyped_maps(parts((".maps", b""))) is not None
    assert refusals.untyped_maps(parts((".maps", b""), (".BTF", b""))) is None


def test_a_function_that_nobody_defines_is_named() -> None:
    found = refusals.undefined(parts((".BTF", b"\0bpf_kfunc\0"), undefined="memcmp"))
    assert found is not None
    assert found[0] == "uses `memcmp`, which it does not define"


def test_a_kernel_function_is_declared_in_btf() -> None:
    assert refusals.undefined(parts((".BTF", b"\0bpf_kfunc\0"), undefined="bpf_kfunc")) is None
