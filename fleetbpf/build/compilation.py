"""The commands of a build as values: source → object → loader."""

from collections.abc import Iterable
from pathlib import Path

from fleetbpf.build.toolchain import Toolchain
from fleetbpf.execution.command import Command
from fleetbpf.files.archive import Compression
from fleetbpf.model.recipe import Recipe

PACKAGE = Path(__file__).parents[1]
HEADERS = PACKAGE / "build" / "headers"
RUNTIME = PACKAGE / "runtime"
LIBELF_GAPS = RUNTIME / "base" / "libelf_gaps.c"  # what a static link needs beside the libraries
INSPECTOR = RUNTIME / "inspector" / "inspector.c"  # a program of its own, not part of loaders
WATCH_SOURCE = PACKAGE / "build" / "watch" / "watch.c"  # for this machine, in no loader either

OBJECT = "program.bpf.o"
OBJECT_HEADER = "object.h"
LOADER = "loader"
PACKED_LOADERS = {Compression.GZIP: "loader.tar.gz", Compression.ZSTD: "loader.tar.zst"}
LOADER_SOURCE = "loader.c"
UNSTRIPPED = "unstripped.o"
KERNEL_BTF = "kernel.btf"
CUT_BTF = "cut.btf"
WATCH = "watch.so"
TOLD = "opened"  # what clang opened

OBJECT_FLAGS = (
    "-target",
    "bpf",
    "-O2",
    "-g",  # BTF is made from it; the DWARF goes with `bpftool gen object`
    # Said so that every clang does the same: v3 is what clang ≥ 20 takes by itself, and our oldest
    # kernel, 5.10, runs all of it but the atomics that return a value (5.12: the kernel says so).
    "-mcpu=v3",
    "-fno-ident",
    # BTF's file names: the compiler runs in the source's folder, and reads the source lines for the
    # verifier's log there.
    "-fdebug-compilation-dir",
    ".",
    "-Wall",
    # A helper that libbpf's headers lack would come out as a puzzle from bpftool.
    "-Werror=implicit-function-declaration",
    "-fdiagnostics-absolute-paths",
    # A crash would be compiled once more, and its source written into /tmp.
    "-fno-crash-diagnostics",
)
LOADER_FLAGS = (
    "-std=gnu11",
    "-O2",
    "-D_GNU_SOURCE",
    "-ffunction-sections",
    "-fdata-sections",
    "-fno-ident",
)
# No build id and no symbols: the bytes depend on the inputs only.
LINK_FLAGS = ("-static", "-s", "-Wl,--build-id=none", "-Wl,--gc-sections")

# Folders and languages from the environment would make builds differ from one shell to the next.
ENVIRONMENT = {"LC_ALL": "C", "CPATH": "", "C_INCLUDE_PATH": "", "SOURCE_DATE_EPOCH": "0"}


def header_folders(toolchain: Toolchain) -> tuple[Path, ...]:
    """Our own folders of headers, in the order of the search.

    The first holds the bpf/bpf_helpers.h that labels prints; it includes the real one with
    #include_next.
    """
    return (HEADERS, HEADERS / toolchain.architecture)


def readable(
    toolchain: Toolchain, recipe: Recipe, declared: Iterable[Path] = ()
) -> tuple[Path, ...]:
    """The folders that a source may read from: its project's, the system's and those declared."""
    own = (recipe.source.parent, *((recipe.project,) if recipe.project else ()))
    system = toolchain.include_folders
    return tuple(dict.fromkeys((*own, HEADERS, *system, *linked(system), *declared)))


def linked(folders: Iterable[Path]) -> Iterable[Path]:
    """Where links in the system's folders lead: Debian 13 keeps asm/ below /usr/lib/linux/uapi."""
    headers = (folder / "asm" / "types.h" for folder in folders)
    return (header.resolve().parent for header in headers if header.is_symlink())


def compile_object(toolchain: Toolchain, source: Path, work: Path, *, colour: bool) -> Command:
    """Compile `source` to an object in `work`; run in its folder."""
    return Command(
        *_clang(toolchain, source, colour=colour), "-c", f"./{source.name}", "-o", work / UNSTRIPPED
    )


def compile_watch(toolchain: Toolchain) -> Command:
    """Make the library that tells what clang opens, for this machine; run in the work folder."""
    linkers = (flag for flag in toolchain.libraries if flag.startswith("--ld-path="))
    flags = ("-O2", "-fPIC", "-shared", "-nostdlib", "-ffreestanding", "-fno-stack-protector")
    return Command(toolchain.cc, *flags, *linkers, "-o", WATCH, WATCH_SOURCE)


def _clang(toolchain: Toolchain, source: Path, *, colour: bool) -> Iterable[str | Path]:
    yield toolchain.clang
    yield from OBJECT_FLAGS
    yield f"-D__TARGET_ARCH_{toolchain.architecture.libbpf}"
    yield from _sysroot(toolchain)
    yield "-fcolor-diagnostics" if colour else "-fno-color-diagnostics"
    yield f"-ffile-prefix-map={HEADERS}=fleetbpf"
    yield f"-ffile-prefix-map={source.parent}=."
    labelling, *others = header_folders(toolchain)
    # The source's own folder, which #include "…" searches by itself, for #include <…> too: its
    # vmlinux.h comes before ours, but nothing before the headers that label prints.
    for folder in (labelling, Path(), *others):
        yield from ("-I", folder)
    for folder in toolchain.extra_folders:
        yield from ("-idirafter", folder)


def strip_object(toolchain: Toolchain) -> Command:
    """Write the object without DWARF, which is most of its size; run in the work folder."""
    return Command(toolchain.bpftool, "gen", "object", OBJECT, UNSTRIPPED)


def cut_btf(toolchain: Toolchain) -> Command:
    """Write what of a kernel's BTF the object relocates against; run in the work folder."""
    return Command(toolchain.bpftool, "gen", "min_core_btf", KERNEL_BTF, CUT_BTF, OBJECT)


def runtime_sources() -> tuple[Path, ...]:
    """The C files that every loader is linked with."""
    return tuple(sorted(path for path in RUNTIME.glob("*/*.c") if path != INSPECTOR))


def compile_runtime(toolchain: Toolchain, sources: Iterable[Path]) -> Command:
    """Compile some of the runtime, one object per source; run in the work folder."""
    return Command(*_cc(toolchain), "-c", *sources)


def link(toolchain: Toolchain, source: Path | str, objects: Iterable[Path], output: str) -> Command:
    """Compile one C source and link it with the runtime's objects; run in the work folder."""
    return Command(
        *_cc(toolchain),
        *LINK_FLAGS,
        "-o",
        output,
        source,
        *objects,
        *toolchain.libraries,
    )


def _cc(toolchain: Toolchain) -> Iterable[str | Path]:
    yield toolchain.cc
    if toolchain.sysroot is not None:
        yield f"--target={toolchain.architecture.triple}"
    yield from _sysroot(toolchain)
    yield from LOADER_FLAGS
    yield from ("-I", RUNTIME, f"-ffile-prefix-map={PACKAGE}=fleetbpf")


def _sysroot(toolchain: Toolchain) -> Iterable[str]:
    if toolchain.sysroot is not None:
        yield f"--sysroot={toolchain.sysroot}"
        yield f"-ffile-prefix-map={toolchain.sysroot}=sysroot"
