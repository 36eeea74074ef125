"""The build key: one hash of all that a loader's bytes depend on, the same in every folder."""

import hashlib
import os
from pathlib import Path

from fleetbpf import compilation
from fleetbpf.compilation import HEADERS, PACKAGE
from fleetbpf.includes import Included
from fleetbpf.model.recipe import DesiredEvent, Recipe
from fleetbpf.toolchain import Toolchain

# Our own code that a loader's bytes depend on, beside the runtime.
GENERATOR = (
    "btf.py",
    "build.py",
    "cache.py",
    "compilation.py",
    "description.py",
    "elf.py",
    "encoders.py",
    "event_plan.py",
    "events.py",
    "fields.py",
    "hints.py",
    "loader_source.py",
    "map_shapes.py",
    "workbench.py",
    "model/description.py",
    "model/powers.py",
    "model/recipe.py",
    "refusals.py",
    "templates/loader.c.j2",
)


def program_key(recipe: Recipe, included: Included, toolchain: Toolchain, platform: str) -> str:
    """The key of the loader of a recipe, made by the tools of the `platform_key`."""
    files = (
        (logical_name(path, recipe.source, toolchain), sha256) for path, sha256 in included.files
    )
    events = tuple(part for event in recipe.events for part in event_parts(event))
    parts = (part for pair in files for part in pair)
    return combine("program", platform, recipe.program, *events, "", *parts)


def event_parts(event: DesiredEvent) -> tuple[str, ...]:
    """What a wish for events changes in a loader, which is all but where it was written."""
    pairs = (
        *((case.value, case.struct) for case in event.cases),
        *((hinted.path, hinted.hint) for hinted in event.fields),
    )
    shape = (str(len(event.cases)), str(len(event.fields)))
    return (event.ring, event.struct, event.by, *shape, *(part for pair in pairs for part in pair))


def platform_key(toolchain: Toolchain, generator: str) -> str:
    """The key of all that programs have in common: tools, flags and our own code."""
    flags = (*compilation.OBJECT_FLAGS, *compilation.LOADER_FLAGS, *compilation.LINK_FLAGS)
    tools = (toolchain.architecture, *toolchain.identities, *toolchain.libraries)
    return combine("platform", generator, *flags, "", *tools)


def runtime_key(platform: str) -> str:
    """The key of the runtime's objects."""
    return combine("runtime", platform)


def inspector_key(platform: str) -> str:
    """The key of the inspector."""
    return combine("inspector", platform)


def cut_key(platform: str, artifact: str, kernel: str) -> str:
    """The key of what an artifact needs of a kernel's BTF; kernel is the hash of its file."""
    return combine("cut", platform, artifact, kernel)


def generator_key() -> str:
    """The hash of our own code: what makes loaders, and what is linked into them."""
    files = (
        *(PACKAGE / name for name in GENERATOR),
        *sorted(compilation.RUNTIME.rglob("*.[ch]")),
    )
    return combine(
        *(part for path in files for part in (str(path.relative_to(PACKAGE)), content(path)))
    )


def content(path: Path) -> str:
    """The SHA-256 of a file of ours; empty when a later version has dropped it."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


def logical_name(path: Path, source: Path, toolchain: Toolchain) -> str:
    """What a file is called wherever the source, the tools and fleetbpf are installed."""
    if path.is_relative_to(HEADERS):
        return f"fleetbpf/{path.relative_to(HEADERS)}"
    if any(path.is_relative_to(folder) for folder in ("/usr", toolchain.sysroot or "/usr")):
        return path.name  # its folders differ between distributions, its content counts
    return os.path.relpath(path, source.parent)


def combine(*parts: str) -> str:
    """One hash of texts, each with its length, so that no two lists of them look the same."""
    whole = hashlib.sha256()
    for part in parts:
        text = part.encode(errors="surrogateescape")
        whole.update(b"%d:" % len(text) + text)
    return whole.hexdigest()
