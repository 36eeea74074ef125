"""One build in its work folder: runs the tools one after the other, and says what they refuse."""

import contextlib
import os
import shutil
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from fleetbpf.build import compilation, kernel_btf, loader_source, opened, refusals
from fleetbpf.build.opened import Opened
from fleetbpf.build.refusals import refused
from fleetbpf.build.toolchain import Toolchain
from fleetbpf.errors import BuildError, Problem, UnreachableError
from fleetbpf.execution import Completed
from fleetbpf.execution.allowance import Allowance
from fleetbpf.execution.command import Command
from fleetbpf.execution.local import LocalConnection
from fleetbpf.files import archive
from fleetbpf.files.cache import digest, disk_cure
from fleetbpf.frozen import frozen
from fleetbpf.model.description import Description
from fleetbpf.model.recipe import Recipe
from fleetbpf.objects.elf import Elf

DOCTOR = "`fleetbpf doctor` says what is missing here"
ROOM = 8 * 1024 * 1024  # bytes that a build takes for a moment, at most

# What a compiler may take for one source. One with all of vmlinux.h takes 0.3 GiB and a second.
ALLOWANCE = Allowance(memory=2 << 30, processor=60, file=64 << 20)
PATIENCE = 120.0  # seconds, on a machine that does much else
OVER = 124  # as timeout(1) says it; signals come after it, as in a shell
LAST_SIGNAL = 192  # bpftool's own numbers are above it: 254 is ENOENT
CRASH = "PLEASE submit a bug report"  # what follows in LLVM's words is its stack
LIMITS = "a tool may take 2 GiB, a minute of the processor, and 64 MiB for each file that it writes"


@frozen
class Workbench:
    """The tools, and the folder that they work in."""

    toolchain: Toolchain
    folder: Path
    here: LocalConnection
    colour: bool = False

    def compile_object(
        self, recipe: Recipe, watch: Path, readable: Iterable[Path]
    ) -> tuple[Opened, str]:
        """Compile the source; what clang opened for it, and what it warned of.

        watch: the library of `compile_watch`; readable: the folders that a source may read from.
        An object is taken as it is.
        """
        if recipe.prebuilt:
            if recipe.source.stat().st_size > ALLOWANCE.file:
                raise refused("is larger than 64 MiB", "strip it of what debuggers read", recipe)
            shutil.copyfile(recipe.source, self.folder / compilation.UNSTRIPPED)
            return Opened(files=(recipe.source,), missed={}, outside=(), special=()), ""
        told, source = self.folder / compilation.TOLD, recipe.source
        told.write_bytes(b"")
        libraries = os.environ.get("LD_LIBRARY_PATH", "")
        watching = opened.environment(watch, told, readable, libraries=libraries)
        done = self._run(
            compilation.compile_object(self.toolchain, source, self.folder, colour=self.colour),
            cwd=source.parent,
            env={**compilation.ENVIRONMENT, **watching},
        )
        found = opened.read(told.read_bytes(), source, self.folder)
        refusals.refuse_inputs(found, recipe)
        what = f"{source.name} does not compile"
        self._refuse_failed(done, Problem(where=recipe.where or str(source), what=what))
        refusals.refuse_unwatched(found, self.toolchain.clang, recipe)
        return found, done.stderr.decode(errors="replace")

    def compile_watch(self) -> Path:
        """Make the library that tells what clang opens."""
        problem = Problem(where="", what="fleetbpf's own watch does not compile here", hint=DOCTOR)
        self._tool(compilation.compile_watch(self.toolchain), problem)
        return self.folder / compilation.WATCH

    def describe_object(self, recipe: Recipe) -> Description:
        """Read what is in the compiled object, and strip it."""
        content = (self.folder / compilation.UNSTRIPPED).read_bytes()
        structs = [struct for event in recipe.events for struct in event.structs]
        parts, found = refusals.read(content, recipe, structs)
        stripped = self._strip(content, parts, recipe)
        if stripped != content:
            parts, found = refusals.read(stripped, recipe, structs)
        refusals.refuse_unusable(found, parts, recipe)
        return found

    def _strip(self, content: bytes, parts: Elf, recipe: Recipe) -> bytes:
        """Leave the DWARF away; an object that bpftool's linker does not take keeps it."""
        made = self.folder / compilation.OBJECT
        problem = Problem(where=recipe.where, what=f"bpftool cannot link {recipe.source.name}")
        if not recipe.prebuilt:
            self._foreign(compilation.strip_object(self.toolchain), problem)
            return made.read_bytes()
        if refusals.has_dwarf(parts):
            with contextlib.suppress(BuildError):
                self._foreign(compilation.strip_object(self.toolchain), problem)
                return made.read_bytes()
        made.write_bytes(content)
        return content

    def link_loader(
        self, found: Description, key: str, runtime: Iterable[Path], recipe: Recipe
    ) -> None:
        """Generate the loader of the described object and link it with the runtime's objects."""
        content = (self.folder / compilation.OBJECT).read_bytes()
        texts = {
            compilation.OBJECT_HEADER: loader_source.object_header(content),
            compilation.LOADER_SOURCE: loader_source.render(
                found, recipe.events, compilation.OBJECT_HEADER, key
            ),
        }
        for name, text in texts.items():
            (self.folder / name).write_text(text, encoding="utf-8")
        self._link(compilation.LOADER_SOURCE, runtime, compilation.LOADER, recipe.where)
        if not loader_source.holds((self.folder / compilation.LOADER).read_bytes(), content):
            raise refused("is not what its loader holds after linking", DOCTOR, recipe)

    def pack_loader(self) -> None:
        """Compress the loader as it is sent, once for all runs."""
        loader = self.folder / compilation.LOADER
        files = {f"{archive.OBJECTS}{digest(loader)}": loader.read_bytes()}
        for compression, name in compilation.PACKED_LOADERS.items():
            (self.folder / name).write_bytes(archive.pack(files, compression))

    def compile_runtime(self) -> tuple[str, ...]:
        """Compile what all loaders share, one compiler per CPU; the names of the objects."""
        sources, jobs = compilation.runtime_sources(), os.cpu_count() or 1
        shares = [share for share in (sources[n::jobs] for n in range(jobs)) if share]
        with ThreadPoolExecutor(max_workers=jobs) as pool:
            list(pool.map(self.compile_share, shares))
        return tuple(path.with_suffix(".o").name for path in sources)

    def compile_share(self, sources: tuple[Path, ...]) -> None:
        """Compile some of the runtime; for any thread, because it has a connection of its own."""
        problem = Problem(where="", what="fleetbpf's own runtime does not compile here")
        command = compilation.compile_runtime(self.toolchain, sources)
        with LocalConnection() as here:
            self._tool(command, problem, here=here)

    def link_inspector(self, runtime: Iterable[Path]) -> None:
        """Compile the inspector and link it with the runtime's objects."""
        self._link(compilation.INSPECTOR, runtime, compilation.INSPECTOR.stem, "")

    def cut_btf(self, made: Path, kernel: Path) -> None:
        """Cut a kernel's BTF to what the object `made` relocates against."""
        shutil.copyfile(made, self.folder / compilation.OBJECT)
        (self.folder / compilation.KERNEL_BTF).write_bytes(kernel_btf.content(kernel))
        problem = Problem(where=str(kernel), what="bpftool cannot cut it to what a program needs")
        self._foreign(compilation.cut_btf(self.toolchain), problem)

    def _link(self, source: Path | str, objects: Iterable[Path], output: str, where: str) -> None:
        problem = Problem(where=where, what=f"the {output} cannot be linked", hint=DOCTOR)
        self._tool(compilation.link(self.toolchain, source, objects, output), problem)

    def _tool(
        self, command: Command, problem: Problem, *, here: LocalConnection | None = None
    ) -> Completed:
        """Run a tool; when it fails raise BuildError with `problem` and all that the tool said."""
        done = (here or self.here).run(command, cwd=self.folder, env=compilation.ENVIRONMENT)
        self._refuse_failed(done, problem)
        return done

    def _foreign(self, command: Command, problem: Problem) -> Completed:
        """Run a tool on what a stranger wrote."""
        done = self._run(command, cwd=self.folder, env=compilation.ENVIRONMENT)
        self._refuse_failed(done, problem)
        return done

    def _run(self, command: Command, *, cwd: Path, env: Mapping[str, str]) -> Completed:
        """Run a tool with no more than a build takes; its status when it did not end by itself."""
        try:
            return self.here.run(command, cwd=cwd, env=env, timeout=PATIENCE, allowance=ALLOWANCE)
        except UnreachableError as error:
            return Completed(status=OVER, stderr=f"{error.problems[0].what}\n".encode())

    def _refuse_failed(self, done: Completed, problem: Problem) -> None:
        if done.status == 0:
            return
        said = (done.stderr + done.stdout).decode(errors="replace")
        detail, _, _ = said.partition(CRASH)
        hint = self._disk_hint() or (LIMITS if OVER <= done.status <= LAST_SIGNAL else problem.hint)
        raise BuildError(replace(problem, detail=detail, hint=hint))

    def _disk_hint(self) -> str:
        """What a failure may well come from when there is hardly room for a build."""
        free = shutil.disk_usage(self.folder).free
        if free >= ROOM:
            return ""
        return f"only {free // 1024} KiB are free where builds are kept; {disk_cure(self.folder)}"
