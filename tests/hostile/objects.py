"""Objects as an attacker makes them: compiled, then changed where a compiler would not."""

import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from fleetbpf.build.build import Builder
from fleetbpf.errors import BuildError, Problem
from fleetbpf.model.recipe import DesiredEvent, Recipe
from fleetbpf.objects import elf
from tests.tools import absent

HEAD = """
#define SEC(name) __attribute__((section(name), used))
#define __uint(name, value) int (*name)[value]
#define __type(name, type) typeof(type) *name
typedef unsigned int u32;
typedef unsigned long long u64;
char LICENSE[] SEC("license") = "GPL";
static void *(*lookup)(void *map, const void *key) = (void *)1;
"""
SKIPPED = {1: (4, 0), 3: (12, 0), 4: (0, 12), 5: (0, 12), 6: (0, 8), 13: (0, 8), 14: (4, 0)}
SKIPPED |= {15: (0, 12), 17: (4, 0), 19: (0, 12)}


def compiled(folder: Path, body: str, name: str = "evil") -> Path:
    """An object of `body`, with BTF and without DWARF, so that no tool rewrites it."""
    source, made = folder / f"{name}.c", folder / f"{name}.o"
    source.write_text(HEAD + body)
    subprocess.run(["clang", "-target", "bpf", "-O2", "-g", "-c", source, "-o", made], check=True)
    subprocess.run([stripper(), "-g", made], check=True)
    return made


def stripper() -> str:
    """llvm-strip, whatever version it carries in its name."""
    llvm = Path(shutil.which("clang") or "/").resolve().parent
    found = shutil.which("llvm-strip", path=f"{llvm}") or shutil.which("llvm-strip")
    if found is None:
        absent("missing here: llvm-strip (./dev setup installs it)")
    return str(found)


def renamed(made: Path, name: str, other: bytes) -> Path:
    """The object with another name everywhere, as long as the one that it has."""
    content = made.read_bytes()
    assert len(name) == len(other)
    assert name.encode() in content
    made.write_bytes(content.replace(name.encode(), other))
    return made


def patched(made: Path, kind: int, change: Callable[[int], bytes], at: int = 8) -> Path:
    """The object with a word of its BTF's first type of a kind changed.

    change: gets the type's id; at: where the word lies in the type's record.
    """
    content = bytearray(made.read_bytes())
    section = elf.parse(bytes(content)).section(".BTF")
    assert section is not None
    start = content.find(section.content)
    length, types, size = struct.unpack_from("<4xIII", section.content)
    offset, end, number = length + types, length + types + size, 1
    while offset < end:
        _, info, _ = struct.unpack_from("<III", section.content, offset)
        found = info >> 24 & 0x1F
        if found == kind:
            word = change(number)
            content[start + offset + at : start + offset + at + len(word)] = word
            made.write_bytes(content)
            return made
        fixed, each = SKIPPED.get(found, (0, 0))
        offset += 12 + fixed + each * (info & 0xFFFF)
        number += 1
    raise AssertionError(f"no type of kind {kind}")


def itself(number: int) -> bytes:
    """The word that makes a type one of itself."""
    return struct.pack("<I", number)


def refusal(builder: Builder, source: Path, events: tuple[DesiredEvent, ...] = ()) -> Problem:
    """The one problem for which a build ends."""
    with pytest.raises(BuildError) as caught:
        builder.build(Recipe(source=source, where="evil.yml:3:5", events=events))
    [problem] = caught.value.problems
    return problem
