"""The tools of a build on this machine: found once, remembered until one of their files changes."""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from fleetbpf.build import doctor, requirements
from fleetbpf.build.doctor import Finding
from fleetbpf.errors import BuildError, Problem
from fleetbpf.execution.command import Command
from fleetbpf.execution.local import LocalConnection
from fleetbpf.files import homes
from fleetbpf.files.cache import digest
from fleetbpf.files.private_files import write_whole
from fleetbpf.files.trusted_files import read_own
from fleetbpf.frozen import frozen
from fleetbpf.model.architecture import Architecture

if TYPE_CHECKING:
    from fleetbpf.debian.archive import Say


@frozen
class Toolchain:
    """The tools that build loaders for one architecture."""

    architecture: Architecture
    clang: Path
    bpftool: Path
    cc: Path
    sysroot: Path | None = None  # of another architecture; None: this machine's own headers
    libraries: tuple[str, ...]  # linker flags, in the order a static link needs
    include_folders: tuple[Path, ...]  # where clang looks for <…>, in order
    extra_folders: tuple[Path, ...]  # of these, what clang must be told: Debian's multiarch one
    identities: tuple[str, ...]  # what each tool says it is, and the hash of each archive

    @staticmethod
    def find(
        architecture: Architecture | None = None,
        *,
        memory: Path | None = None,
        say: "Say" = lambda _: None,
    ) -> "Toolchain":
        """Find the tools, or recall from the file `memory` what was found before.

        architecture: by default this machine's.
        memory: by default in the build cache.
        say: is told of downloads, which another architecture takes the first time.

        Raises BuildError with the command that installs all that is missing.
        """
        architecture = architecture or native()
        memory = memory or default_cache() / f"toolchain-{architecture}.json"
        remembered = recall(memory)
        if remembered is not None:
            return remembered
        found, files = survey() if architecture is native() else survey_cross(architecture, say)
        remember(memory, found, files)
        return found


def native() -> Architecture:
    """The architecture of this machine; BuildError where it is none of ours."""
    here = Architecture.here()
    if here is None:
        known = " or ".join(Architecture)
        what = f"builds on {os.uname().machine} are not supported"
        raise BuildError(Problem(where="", what=what, hint=f"use {known}"))
    return here


def default_cache() -> Path:
    """Where builds are kept: `$XDG_CACHE_HOME/fleetbpf/build`."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification: a relative path is to be ignored.
    root = Path(base) if base.startswith("/") else homes.home() / ".cache"
    return root / "fleetbpf" / "build"


def survey() -> tuple[Toolchain, tuple[Path, ...]]:
    """The tools as found now, and the files that this rests on."""
    findings = doctor.examine(requirements.BUILD)
    refuse_missing(findings)
    found = {finding.requirement.name: finding for finding in findings}
    paths = {name: finding.path for name, finding in found.items() if finding.path is not None}
    with LocalConnection() as here:
        extra = multiarch_folders(here, paths["cc"])
        folders = include_folders(here, paths["clang"])
        zstd = doctor.archive(here, paths["cc"], "libzstd.a")
    files = (*paths.values(), *((zstd,) if zstd else ()))
    toolchain = Toolchain(
        architecture=native(),
        clang=paths["clang"],
        bpftool=paths["bpftool"],
        cc=paths["cc"],
        # libelf since 0.189 asks for zstd, which runtime/base/libelf_gaps.c answers; for what a
        # later one may ask beside. Linking it where it is not needed adds no byte.
        libraries=("-lbpf", "-lelf", *(("-lzstd",) if zstd else ()), "-lz"),
        include_folders=(*extra, *folders),
        extra_folders=extra,
        identities=(
            *(f"{finding.requirement.name} {finding.identity}" for finding in findings),
            *(f"{path.name} {digest(path)}" for path in files if path.suffix == ".a"),
        ),
    )
    return toolchain, files


def survey_cross(architecture: Architecture, say: "Say") -> tuple[Toolchain, tuple[Path, ...]]:
    """The tools for another architecture: clang and lld know it, a sysroot has the rest."""
    findings = doctor.examine(requirements.CROSS)
    refuse_missing(findings)
    clang, bpftool, lld = (finding.path for finding in findings if finding.path is not None)
    from fleetbpf.build import sysroot

    root = sysroot.obtain(architecture, default_cache().parent / "packages", say)
    extra = (root / "usr" / "include" / architecture.triple,)
    with LocalConnection() as here:
        folders = include_folders(here, clang, f"--sysroot={root}")
    toolchain = Toolchain(
        architecture=architecture,
        clang=clang,
        bpftool=bpftool,
        cc=clang,
        sysroot=root,
        libraries=(f"--ld-path={lld}", "-lbpf", "-lelf", "-lz"),
        include_folders=(*extra, *folders),
        extra_folders=extra,
        identities=(
            *(f"{finding.requirement.name} {finding.identity}" for finding in findings),
            f"sysroot {root.name}",
        ),
    )
    return toolchain, (clang, bpftool, lld, root / "usr" / "lib" / architecture.triple / "libbpf.a")


def refuse_missing(findings: Iterable[Finding]) -> None:
    """Raise BuildError when a build would lack something."""
    wrong = [finding for finding in findings if finding.problem]
    if not wrong:
        return
    names = "; ".join(f"{finding.requirement.name}: {finding.problem}" for finding in wrong)
    hint = doctor.cure(wrong, doctor.os_release())
    raise BuildError(Problem(where="", what=f"cannot build here: {names}", hint=hint))


def multiarch_folders(here: LocalConnection, cc: Path) -> tuple[Path, ...]:
    """Debian's folder of <asm/types.h>, where `clang -target bpf` does not look by itself."""
    name = here.run(Command(cc, "-print-multiarch"), timeout=60.0).stdout.decode().strip()
    folder = Path("/usr/include") / name
    return (folder,) if name and folder.is_dir() else ()


def include_folders(here: LocalConnection, clang: Path, *flags: str) -> tuple[Path, ...]:
    """Where clang looks for `<…>` when it compiles for BPF."""
    command = Command(clang, "-target", "bpf", *flags, "-E", "-v", "-x", "c", os.devnull)
    said = here.run(command, timeout=60.0).stderr.decode(errors="replace")
    _, _, after = said.partition("#include <...> search starts here:\n")
    listed, _, _ = after.partition("End of search list.")
    return tuple(Path(line.strip()) for line in listed.splitlines())


@frozen
class Memory:
    """A toolchain found earlier, and the files as they were then."""

    commands: tuple[Path | None, ...]
    stamps: tuple[tuple[Path, int, int], ...]  # file, modified (ns), size
    toolchain: Toolchain


MEMORIES = TypeAdapter(Memory)


def recall(memory: Path) -> Toolchain | None:
    """The toolchain in `memory`; None when a tool or library has changed since."""
    try:
        kept = MEMORIES.validate_json(read_own(memory))
        current = kept.commands == commands() and kept.stamps == stamps(
            path for path, _, _ in kept.stamps
        )
    except (OSError, ValidationError):
        return None
    return kept.toolchain if current else None


def remember(memory: Path, toolchain: Toolchain, files: Iterable[Path]) -> None:
    """Keep the toolchain for the next run; a memory that cannot be written costs only time."""
    kept = Memory(commands=commands(), stamps=stamps(files), toolchain=toolchain)
    with contextlib.suppress(OSError):
        write_whole(memory, MEMORIES.dump_json(kept))


def commands() -> tuple[Path | None, ...]:
    """The tools that the PATH leads to now."""
    tools = (requirements.CLANG, requirements.BPFTOOL, requirements.CC, requirements.LLD)
    return tuple(doctor.command_of(tool) for tool in tools)


def stamps(files: Iterable[Path]) -> tuple[tuple[Path, int, int], ...]:
    """What tells a replaced file from the one before, without reading it."""
    seen = ((path, path.stat()) for path in files)
    return tuple((path, status.st_mtime_ns, status.st_size) for path, status in seen)
