"""From a program's source to its loader: built once, then found by its build key."""

import contextlib
import functools
import hashlib
import os
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from fleetbpf.build import build_key, compilation, includes
from fleetbpf.build.build_key import Inputs
from fleetbpf.build.compilation import CUT_BTF, LOADER, OBJECT, PACKED_LOADERS
from fleetbpf.build.includes import Included
from fleetbpf.build.kernel_btf import KernelBtf
from fleetbpf.build.toolchain import Toolchain, default_cache
from fleetbpf.errors import BuildError, Problem
from fleetbpf.execution.local import LocalConnection
from fleetbpf.files.archive import Compression
from fleetbpf.files.cache import Cache, Entry, digest
from fleetbpf.frozen import frozen
from fleetbpf.model import btf
from fleetbpf.model.description import Description
from fleetbpf.model.recipe import SUFFIX, Recipe
from fleetbpf.objects.pinned_maps import SHAPE

if TYPE_CHECKING:
    from fleetbpf.build.workbench import Workbench

ATTEMPTS = 5  # at a source that changes while it is compiled


@frozen
class Executable:
    """A static executable in the cache."""

    key: str  # 64 hex digits
    path: Path
    sha256: str


@frozen
class Artifact:
    """The result of building one program."""

    key: str  # 64 hex digits
    inputs: Inputs  # what the key was made of, in brief
    loader: Path
    loader_sha256: str
    packed_sha256: Mapping[str, str]  # by the name of the file
    object: Path
    description: Description  # of its types those that a manifest may speak of
    warnings: str  # what clang said when it compiled, maybe long ago
    cached: bool
    seconds: float  # that it took now

    def digest(self) -> str:
        """One hash of what the loader's files hold now."""
        names = (self.loader.name, *sorted(self.packed_sha256))
        held = " ".join(digest(self.loader.with_name(name)) for name in names)
        return hashlib.sha256(held.encode()).hexdigest()

    def packed(self, compression: Compression) -> bytes:
        """The loader as a part of an archive (archive.py), read once for all hosts."""
        name = PACKED_LOADERS[compression]
        return read_once(self.loader.with_name(name), self.packed_sha256[name])


@functools.lru_cache(maxsize=64)
def read_once(path: Path, sha256: str) -> bytes:
    """What is in a file of the cache; BuildError when it was changed since it was looked at."""
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        what = "somebody changed it just now: it is not what was built"
        raise BuildError(Problem(where=str(path), what=what, hint="see who may write there"))
    return content


@frozen
class Notes:
    """What the cache keeps of a program beside the files."""

    description: Description
    warnings: str


NOTES = TypeAdapter(Notes)


class Builder:
    """Builds programs; for any number of threads, beside any number of other processes."""

    def __init__(
        self,
        toolchain: Toolchain,
        cache: Path | None = None,
        *,
        header_folders: tuple[Path, ...] = (),
        colour: bool = False,
    ) -> None:
        """header_folders: what sources may read beside their project and the system's headers."""
        self._toolchain = toolchain
        self._cache = Cache(root=cache or default_cache())
        self._colour = colour  # the compiler's errors are for a terminal
        self._common = build_key.platform_inputs(toolchain, build_key.own_inputs())
        self._platform = build_key.platform_key(self._common)
        self._runtime_lock = threading.Lock()
        self._header_folders = header_folders

    def inputs(self, recipe: Recipe) -> Inputs:
        """What a program is made from; makes no loader, and compiles a changed source only."""
        refuse_unreadable(recipe)
        included = includes.recall(self._memory(recipe))
        if included is None:
            with self._bench() as bench:
                included, _ = self._compile(bench, recipe)
        return self._inputs(recipe, included)

    def build(self, recipe: Recipe) -> Artifact:
        """The artifact of a program, from the cache or built now. Raises BuildError."""
        started = time.monotonic()
        refuse_unreadable(recipe)
        found = self._cached(recipe)
        artifact = found if found is not None else self._build(recipe)
        return replace(artifact, seconds=time.monotonic() - started)

    def inspector(self) -> Executable:
        """The program that lists all BPF programs of a kernel, from the cache or built now."""
        key = build_key.inspector_key(self._platform)
        name = compilation.INSPECTOR.stem
        entry = self._cache.find(key)
        if entry is None:
            with self._bench() as bench:
                bench.link_inspector(self._runtime())
                entry = self._cache.store(key, bench.folder, (name,), "")
        return Executable(key=key, path=entry.path(name), sha256=entry.digests[name])

    def cut_btf(self, made: Artifact, kernel: KernelBtf) -> bytes:
        """What an artifact needs of a kernel's BTF, from the cache or cut now; b"" = nothing.

        Raises BuildError.
        """
        if not made.description.needs_btf:
            return b""
        key = build_key.cut_key(self._platform, made.key, kernel.sha256)
        entry = self._cache.find(key)
        if entry is None:
            with self._bench() as bench:
                bench.cut_btf(made.object, kernel.path)
                entry = self._cache.store(key, bench.folder, (CUT_BTF,), "")
        return entry.path(CUT_BTF).read_bytes()

    def _cached(self, recipe: Recipe) -> Artifact | None:
        """The artifact, when neither the source nor anything it includes has changed."""
        included = includes.recall(self._memory(recipe))
        if included is None:
            return None
        inputs = self._inputs(recipe, included)
        entry = self._cache.find(build_key.program_key(inputs))
        return None if entry is None else artifact(inputs, entry, cached=True)

    def _build(self, recipe: Recipe) -> Artifact:
        with self._bench() as bench:
            included, warnings = self._compile(bench, recipe)
            inputs = self._inputs(recipe, included)
            key = build_key.program_key(inputs)
            # Only compiling shows what is included: the loader may be there already, from before
            # a change that was taken back, or from another folder.
            entry = self._cache.find(key)
            if entry is not None:
                return artifact(inputs, entry, cached=True)
            description = bench.describe_object(recipe)
            bench.link_loader(description, key, self._runtime(), recipe)
            notes = Notes(description=brief(description), warnings=warnings)
            bench.pack_loader()
            names = (LOADER, *PACKED_LOADERS.values(), OBJECT)
            entry = self._cache.store(key, bench.folder, names, NOTES.dump_json(notes).decode())
            return artifact(inputs, entry, cached=False)

    def _compile(self, bench: "Workbench", recipe: Recipe) -> tuple[Included, str]:
        """Compile the source as it is now; what it included then, and what clang warned of."""
        for _ in range(ATTEMPTS):
            started = time.time_ns()
            found, warnings = bench.compile_object(recipe, self._watch(), self._readable(recipe))
            included = includes.look(found.files, found.missed)
            includes.remember(self._memory(recipe), included)
            # The hashes must be those of what clang read: look again when somebody wrote meanwhile.
            if all(path.stat().st_mtime_ns < started for path in found.files):
                return included, warnings
        what = f"{recipe.source.name} or a header changes all the time"
        raise BuildError(Problem(where=recipe.where, what=what))

    def _readable(self, recipe: Recipe) -> tuple[Path, ...]:
        """The folders that a source may read from."""
        return compilation.readable(self._toolchain, recipe, self._header_folders)

    def _memory(self, recipe: Recipe) -> Path:
        """The file that remembers what a source includes, where it may read as much."""
        places = map(str, (recipe.source, *self._readable(recipe)))
        name = build_key.combine("includes", self._platform, *places)
        return self._cache.root / "includes" / f"{name}.json"

    def _inputs(self, recipe: Recipe, included: Included) -> Inputs:
        return build_key.program_inputs(recipe, included, self._toolchain, self._common)

    def _runtime(self) -> tuple[Path, ...]:
        """The objects that all loaders are linked with, compiled once."""
        key = build_key.runtime_key(self._platform)
        with self._runtime_lock:
            entry = self._cache.find(key)
            if entry is None:
                with self._bench() as bench:
                    names = bench.compile_runtime()
                    entry = self._cache.store(key, bench.folder, names, "")
        return tuple(entry.path(name) for name in entry.digests)

    def _watch(self) -> Path:
        """The library that tells what clang opens, compiled once."""
        key, name = build_key.watch_key(self._platform), compilation.WATCH
        with self._runtime_lock:
            entry = self._cache.find(key)
            if entry is None:
                with self._bench() as bench:
                    bench.compile_watch()
                    entry = self._cache.store(key, bench.folder, (name,), "")
        return entry.path(name)

    @contextlib.contextmanager
    def _bench(self) -> Iterator["Workbench"]:
        """A workbench in a folder of its own, gone afterwards."""
        # Most runs build nothing, and have no need of what writes loaders.
        from fleetbpf.build.workbench import Workbench

        with self._cache.work_folder() as folder, LocalConnection() as here:
            yield Workbench(
                toolchain=self._toolchain,
                folder=folder,
                here=here,
                colour=self._colour,
            )


def refuse_unreadable(recipe: Recipe) -> None:
    """Raise BuildError unless the source is a readable file of a right name."""
    path, where = recipe.source, recipe.where
    if path.suffix == ".c" and recipe.prebuilt:
        what, hint = f"{path} is not a {SUFFIX} file", f"call it {path.stem}{SUFFIX}"
        raise BuildError(Problem(where=where, what=what, hint=hint))
    if not os.access(path, os.R_OK) or not path.is_file():
        raise BuildError(Problem(where=where, what=f"{path} cannot be read"))


def brief(whole: Description) -> Description:
    """Without the types that only the generator needs: vmlinux.h may have brought thousands."""
    return replace(whole, types=btf.part(whole.types, whole.spoken_of))


def shapes(description: Description) -> Inputs:
    """The shapes of maps that releases share, told first: another one begins empty."""
    return {f"{SHAPE}{item.name}": item.shape for item in description.maps if item.shape}


def artifact(inputs: Inputs, entry: Entry, *, cached: bool) -> Artifact:
    """The artifact in an entry of the cache."""
    notes = NOTES.validate_json(entry.notes)
    return Artifact(
        key=build_key.program_key(inputs),
        inputs={**shapes(notes.description), **build_key.brief(inputs)},
        loader=entry.path(LOADER),
        loader_sha256=entry.digests[LOADER],
        packed_sha256={name: entry.digests[name] for name in PACKED_LOADERS.values()},
        object=entry.path(OBJECT),
        description=notes.description,
        warnings=notes.warnings,
        cached=cached,
        seconds=0.0,
    )
