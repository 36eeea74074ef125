"""The build key: one hash of all that a loader's bytes depend on, the same in every folder."""

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from fleetbpf.build import compilation
from fleetbpf.build.compilation import HEADERS, PACKAGE
from fleetbpf.build.includes import Included
from fleetbpf.build.toolchain import Toolchain
from fleetbpf.model.recipe import DesiredEvent, Recipe

# Our own code that a loader's bytes depend on, beside the runtime.
GENERATOR = (
    "build/build.py",
    "build/compilation.py",
    "build/encoders.py",
    "build/event_plan.py",
    "build/loader_source.py",
    "build/opened.py",
    "build/refusals.py",
    "build/workbench.py",
    "documents/templates/loader.c.j2",
    "files/archive.py",
    "files/cache.py",
    "model/btf.py",
    "model/description.py",
    "model/helpers.py",
    "model/hints.py",
    "model/hook_kinds.py",
    "model/kfuncs.py",
    "model/recipe.py",
    "objects/btf_file.py",
    "objects/calls.py",
    "objects/context_writes.py",
    "objects/description.py",
    "objects/elf.py",
    "objects/events.py",
    "objects/fields.py",
    "objects/map_shapes.py",
    "objects/object_btf.py",
    "objects/object_names.py",
    "objects/pinned_maps.py",
    "objects/source_lines.py",
    "objects/tail_calls.py",
)


NUMBER = re.compile(r"\d+(?:\.\d+)+")  # the version in what a tool says of itself
DIGEST = re.compile(r"[0-9a-f]{64}")

Inputs = Mapping[str, str]  # what a build depends on: by name, a digest or the thing itself


def program_inputs(
    recipe: Recipe, included: Included, toolchain: Toolchain, platform: Inputs
) -> Inputs:
    """All that the loader of a recipe depends on; the key is made of this and nothing else."""
    names = (logical_name(path, recipe.source, toolchain) for path, _ in included.files)
    kinds = ("source", *("header" for _ in included.files[1:]))
    files = (
        (f"{kind} {name}", sha256)
        for kind, name, (_, sha256) in zip(kinds, names, included.files, strict=True)
    )
    events = tuple(part for event in recipe.events for part in event_parts(event))
    own = (("program", recipe.program), ("events", combine(*events)))
    return {**platform, **gathered((*own, *files))}


def program_key(inputs: Inputs) -> str:
    """The key of the loader that is made from `inputs`."""
    return combine("program", *parts(inputs))


def brief(inputs: Inputs) -> Inputs:
    """The inputs as a release tells them: 12 digits of each digest, after a version if any."""
    return {name: shortened(value) for name, value in inputs.items()}


def shortened(value: str) -> str:
    """An input in a few characters: "1f2e3d4c5b6a", "14.0.6 1f2e3d4c5b6a"."""
    digest = value if DIGEST.fullmatch(value) else combine(value)
    version = NUMBER.search(value)
    return f"{version[0]} {digest[:12]}" if version else digest[:12]


def gathered(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Values by name; files of one name (<linux/types.h>, <asm/types.h>) become one value."""
    found: dict[str, str] = {}
    for name, value in pairs:
        found[name] = combine(found[name], value) if name in found else value
    return found


def parts(inputs: Inputs) -> Iterator[str]:
    """Names and values in a row."""
    for pair in inputs.items():
        yield from pair


def event_parts(event: DesiredEvent) -> tuple[str, ...]:
    """What a wish for events changes in a loader, which is all but where it was written."""
    pairs = (
        *((case.value, case.struct) for case in event.cases),
        *((hinted.path, hinted.hint) for hinted in event.fields),
    )
    shape = (str(len(event.cases)), str(len(event.fields)))
    return (event.ring, event.struct, event.by, *shape, *(part for pair in pairs for part in pair))


def platform_inputs(toolchain: Toolchain, ours: Inputs) -> Inputs:
    """All that programs have in common: tools, flags and our own code."""
    flags = (*compilation.OBJECT_FLAGS, *compilation.LOADER_FLAGS, *compilation.LINK_FLAGS)
    tools = (identity.partition(" ") for identity in toolchain.identities)
    return {
        **ours,
        "flags": combine(*flags, "", *toolchain.libraries),
        "architecture": toolchain.architecture,
        **{name: " ".join(said) for name, said in grouped((n, s) for n, _, s in tools).items()},
    }


def grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The values of each name: a library has a version and a digest."""
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def platform_key(inputs: Inputs) -> str:
    """The key of what programs have in common."""
    return combine("platform", *parts(inputs))


def runtime_key(platform: str) -> str:
    """The key of the runtime's objects."""
    return combine("runtime", platform)


def watch_key(platform: str) -> str:
    """The key of the library that tells what clang opens."""
    return combine("watch", platform, content(compilation.WATCH_SOURCE))


def inspector_key(platform: str) -> str:
    """The key of the inspector."""
    return combine("inspector", platform)


def cut_key(platform: str, artifact: str, kernel: str) -> str:
    """The key of what an artifact needs of a kernel's BTF; kernel is the hash of its file."""
    return combine("cut", platform, artifact, kernel)


def own_inputs() -> Inputs:
    """Our own code: what makes loaders, and what is linked into them."""
    generator = (PACKAGE / name for name in GENERATOR)
    runtime = sorted(compilation.RUNTIME.rglob("*.[ch]"))
    return {"fleetbpf's generator": hashed(generator), "fleetbpf's runtime": hashed(runtime)}


def hashed(files: Iterable[Path]) -> str:
    """One hash of files of ours, with their names."""
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
