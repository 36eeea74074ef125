"""What an object must be to become a loader, and how to say that it is not."""

import os
import struct
from collections.abc import Iterable
from pathlib import Path

from fleetbpf.build.opened import Opened
from fleetbpf.errors import BuildError, Problem
from fleetbpf.model.description import Description
from fleetbpf.model.recipe import Recipe
from fleetbpf.objects import description, elf, object_names
from fleetbpf.objects.elf import Elf
from fleetbpf.wording import quoted

BPF = "compile it with clang -target bpf, or whatever makes BPF in its language"
IDENTITY = struct.Struct("<4sBB10xHH")  # magic, class, byte order, type, machine
RELOCATABLE = 1  # ET_REL
MACHINES = {0: "none", 247: "BPF"}  # EM_NONE is what the first compilers for BPF wrote
INSTRUCTION = 8  # bytes
ONLY_ONE = (".BTF", ".BTF.ext", ".maps", "license", "version")
OTHER_FILES = {
    b"BC\xc0\xde": ("LLVM bitcode", "make an object of it: llc -march=bpfel -filetype=obj"),
    b"!<arch>\n": ("an archive", "take the object out of it: ar x"),
}


def read(content: bytes, recipe: Recipe, structs: Iterable[str] = ()) -> tuple[Elf, Description]:
    """An object and its description, before any tool has seen it.

    structs: the names of those that a manifest wants as events.

    BuildError for a file that is no BPF object, that libbpf does not read or reads in two ways,
    or that has names which no compiler writes.
    """
    _refuse_if(foreign(content), recipe)
    try:
        parts = elf.parse(content)
        for check in (ambiguous, legacy_maps, untyped_maps, undefined, local):
            _refuse_if(check(parts), recipe)
        described = description.read(recipe.program, parts, structs)
    except ValueError as error:
        raise refused(f"is {error}", "", recipe) from error
    _refuse_if(object_names.wrong(parts, described), recipe)
    return parts, described


def refused(what: str, hint: str, recipe: Recipe) -> BuildError:
    """The error of an object."""
    problem = Problem(where=_where(recipe), what=f"{recipe.source.name} {what}", hint=hint)
    return BuildError(problem)


def refuse_unusable(found: Description, parts: Elf, recipe: Recipe) -> None:
    """Raise BuildError for an object that the kernel could do nothing with."""
    if not found.functions:
        hint = 'say where each one attaches: SEC("tracepoint/syscalls/sys_enter_execve")'
        raise refused("has no BPF function", hint, recipe)
    if not description.has_license(parts):
        hint = 'add char LICENSE[] SEC("license") = "GPL"; most helpers are for GPL programs only'
        raise refused("does not say its license", hint, recipe)


def refuse_inputs(found: Opened, recipe: Recipe) -> None:
    """Raise BuildError for a source that would read what is none of its business."""
    name = recipe.source.name
    for path in found.special[:1]:
        raise refused(f"reads {path}, which is no plain file", "", recipe)
    for path in found.outside[:1]:
        place = os.path.realpath(path)
        hint = f"copy it beside {name}, or name its folder in the setting `header_folders`"
        raise refused(f"reads {place}, which lies outside of its project", hint, recipe)


def refuse_unwatched(found: Opened, clang: Path, recipe: Recipe) -> None:
    """Raise BuildError where nothing tells what a compiler has read."""
    if recipe.source not in found.files:
        hint = "use one that is linked dynamically, as distributions have it"
        what = f"{clang} does not tell which files it opens"
        raise BuildError(Problem(where=_where(recipe), what=what, hint=hint))


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


def local(parts: Elf) -> tuple[str, str] | None:
    """Functions with a section, and maps, that are static: libbpf takes neither."""
    for symbol in parts.symbols:
        if not symbol.local or not symbol.name or not 0 < symbol.section < len(parts.sections):
            continue
        section = parts.sections[symbol.section]
        if symbol.function and section.executable and section.name != ".text":
            what = f"has the function {quoted(symbol.name)} in {quoted(section.name)}, and it is"
            return f"{what} static: libbpf takes no such", "leave `static` away"
        if not symbol.function and section.name == ".maps":
            what = f"has the map {quoted(symbol.name)}, and it is static: libbpf takes no such"
            return what, "leave `static` away"
    return None


def ambiguous(parts: Elf) -> tuple[str, str] | None:
    """Sections of which there must be one: of two libbpf takes the last, others the first."""
    names = [section.name for section in parts.sections]
    double = [name for name in ONLY_ONE if names.count(name) > 1]
    if double:
        return f"has two sections called {quoted(double[0])}", BPF
    if any(each.executable and len(each.content) % INSTRUCTION for each in parts.sections):
        return "has half an instruction", BPF
    return None


def has_dwarf(parts: Elf) -> bool:
    """Whether the object carries what debuggers read, which is most of its size."""
    return parts.section(".debug_info") is not None


def _refuse_if(found: tuple[str, str] | None, recipe: Recipe) -> None:
    if found:
        raise refused(*found, recipe)


def _where(recipe: Recipe) -> str:
    return recipe.where or str(recipe.source)
