"""What an object must be to become a loader, and how to say that it is not."""

import struct

from fleetbpf import description, elf
from fleetbpf.elf import Elf
from fleetbpf.errors import BuildError, Problem
from fleetbpf.model.description import Description
from fleetbpf.model.recipe import Recipe
from fleetbpf.wording import quoted

BPF = "compile it with clang -target bpf, or whatever makes BPF in its language"
IDENTITY = struct.Struct("<4sBB10xHH")  # magic, class, byte order, type, machine
RELOCATABLE = 1  # ET_REL
MACHINES = {0: "none", 247: "BPF"}  # EM_NONE is what the first compilers for BPF wrote
OTHER_FILES = {
    b"BC\xc0\xde": ("LLVM bitcode", "make an object of it: llc -march=bpfel -filetype=obj"),
    b"!<arch>\n": ("an archive", "take the object out of it: ar x"),
}


def refuse_foreign(content: bytes, recipe: Recipe) -> None:
    """Raise BuildError for a file that is no BPF object, or one that libbpf does not read."""
    found = foreign(content)
    parts = None if found else _parse(content, recipe)
    if parts is not None:
        found = legacy_maps(parts) or untyped_maps(parts) or undefined(parts)
    if found:
        what, hint = found
        raise BuildError(
            Problem(where=_where(recipe), what=f"{recipe.source.name} {what}", hint=hint)
        )


def refuse_unusable(found: Description, content: bytes, recipe: Recipe) -> None:
    """Raise BuildError for an object that the kernel could do nothing with."""
    name, where = recipe.source.name, _where(recipe)
    if not found.functions:
        hint = 'say where each one attaches: SEC("tracepoint/syscalls/sys_enter_execve")'
        raise BuildError(Problem(where=where, what=f"{name} has no BPF function", hint=hint))
    if not description.has_license(content):
        hint = 'add char LICENSE[] SEC("license") = "GPL"; most helpers are for GPL programs only'
        raise BuildError(Problem(where=where, what=f"{name} does not say its license", hint=hint))


def foreign(content: bytes) -> tuple[str, str] | None:
    """What the file is instead of a BPF object for our hosts, and the cure."""
    for begin, (what, hint) in OTHER_FILES.items():
        if content.startswith(begin):
            return f"is {what}, not an object", hint
    if len(content) < IDENTITY.size or not content.startswith(b"\x7fELF"):
        return "is not an object (an ELF file)", BPF
    _, width, order, kind, machine = IDENTITY.unpack_from(content)
    if order != 1:
        return "is big-endian, and the hosts are little-endian", "compile it with -target bpfel"
    if machine not in MACHINES or width != 2:
        return "has machine code of another processor, not BPF", BPF
    if kind != RELOCATABLE:
        return "is linked to an executable or a library", "take the object from before that step"
    return None


def legacy_maps(parts: Elf) -> tuple[str, str] | None:
    """Maps as they were declared before BTF."""
    if all(section.name != "maps" and section.name[:5] != "maps/" for section in parts.sections):
        return None
    what = 'declares maps in the old way, in a section called "maps", which libbpf 1.0 dropped'
    return what, 'declare them in SEC(".maps") with __uint() and __type()'


def untyped_maps(parts: Elf) -> tuple[str, str] | None:
    """Maps declared by BTF in an object that has none."""
    if parts.section(".maps") is None or parts.section(".BTF") is not None:
        return None
    return "declares maps in BTF's way and has no BTF", "compile it with -g, and do not strip .BTF"


def undefined(parts: Elf) -> tuple[str, str] | None:
    """Functions that nobody defines; kernel functions and variables are declared in BTF."""
    types = parts.section(".BTF")
    declared = b"" if types is None else types.content
    names = [
        symbol.name
        for symbol in parts.symbols
        if symbol.section == 0 and symbol.name and f"\0{symbol.name}\0".encode() not in declared
    ]
    if not names:
        return None
    what = f"uses {', '.join(map(quoted, names))}, which it does not define"
    return what, "BPF has no C library: write it out, or let the compiler expand it"


def has_dwarf(content: bytes) -> bool:
    """Whether the object carries what debuggers read, which is most of its size."""
    return elf.parse(content).section(".debug_info") is not None


def _parse(content: bytes, recipe: Recipe) -> Elf:
    try:
        return elf.parse(content)
    except ValueError as error:
        what = f"{recipe.source.name} is {error}"
        raise BuildError(Problem(where=_where(recipe), what=what)) from error


def _where(recipe: Recipe) -> str:
    return recipe.where or str(recipe.source)
