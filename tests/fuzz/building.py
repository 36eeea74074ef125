"""The fuzzers: libFuzzer's own main around the runtime, compiled with the sanitizers."""

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from fleetbpf.build import compilation, loader_source
from fleetbpf.build.compilation import LOADER_SOURCE, OBJECT_HEADER, RUNTIME, runtime_sources
from fleetbpf.build.toolchain import Toolchain
from fleetbpf.build.workbench import Workbench
from fleetbpf.execution.local import LocalConnection
from fleetbpf.model.recipe import Recipe

HERE = Path(__file__).parent
# Each with how often CI runs it: a second or two.
FUZZERS: Mapping[str, int] = {
    "lines": 20_000,
    "quote": 20_000,
    "options": 10_000,
    "spool": 2_000,
    "events": 20_000,
}

FLAGS = ("-std=gnu11", "-D_GNU_SOURCE", "-g", "-O1", "-Wall", "-Wextra", "-Werror")
FUZZED = ("-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all")
# A loader in a fuzzer: its main is called by nobody.
GENERATED = ("-Dmain=unused_main", *(f"-Wno-unused-{n}" for n in ("function", "variable")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fuzzer:
    """One executable, and the inputs that it begins with."""

    name: str
    path: Path

    def run(self, found: Path, *words: str) -> subprocess.CompletedProcess[str]:
        """Run it; new inputs, and those that broke something, are kept in the folder `found`."""
        kept = found / self.name
        kept.mkdir(parents=True, exist_ok=True)
        limits = ("-max_len=4096", "-timeout=60", f"-artifact_prefix={kept}-")
        return subprocess.run(
            [self.path, *limits, *words, kept, HERE / "corpus" / self.name],
            capture_output=True,
            check=False,
            text=True,
            errors="replace",
        )


def can_be_built(folder: Path) -> bool:
    """Whether clang is there with its libFuzzer."""
    if not shutil.which("clang"):
        return False
    words = ("clang", "-fsanitize=fuzzer", "-o", folder / "quote", "-x", "c", "-")
    source = b"int LLVMFuzzerTestOneInput(void);\nint LLVMFuzzerTestOneInput(void) { return 0; }\n"
    return subprocess.run(words, input=source, capture_output=True, check=False).returncode == 0


def build(folder: Path) -> tuple[Fuzzer, ...]:
    """All fuzzers, in `folder`."""
    generate_loader(folder)
    sources = (*runtime_sources(), HERE / "fuzz.c")
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        objects = list(pool.map(lambda source: compile_object(folder, source), sources))
        return tuple(pool.map(lambda name: link(folder, name, objects), FUZZERS))


def generate_loader(folder: Path) -> None:
    """The loader's source of event.bpf.c, whose encoders are fuzzed; it holds no object."""
    toolchain = Toolchain.find(memory=folder / "toolchain.json")
    recipe = Recipe(source=HERE / "programs" / "event.bpf.c", where="event")
    with LocalConnection() as here:
        bench = Workbench(toolchain=toolchain, folder=folder, here=here)
        bench.compile_object(recipe, bench.compile_watch(), compilation.readable(toolchain, recipe))
        found = bench.describe_object(recipe)
    (folder / OBJECT_HEADER).write_text(loader_source.object_header(b"\0"))
    source = loader_source.render(found, recipe.events, OBJECT_HEADER, "fuzz")
    (folder / LOADER_SOURCE).write_text(source)


def compile_object(folder: Path, source: Path) -> Path:
    """One source with the checks, and with the counters that guide libFuzzer."""
    output = folder / f"checked-{source.stem}.o"
    sanitize = FUZZED[0].replace("fuzzer", "fuzzer-no-link")
    clang(folder, sanitize, FUZZED[1], "-c", "-o", output, source)
    return output


def link(folder: Path, name: str, objects: Iterable[Path]) -> Fuzzer:
    """One fuzzer; that of events has rings.c inside."""
    path = folder / f"fuzz-{name}"
    others = (found for found in objects if (name, found.stem) != ("events", "checked-rings"))
    own = GENERATED if name == "events" else ()
    libraries = ("-lbpf", "-lelf", "-lz")
    clang(folder, *FUZZED, *own, "-o", path, HERE / f"{name}.c", *others, *libraries)
    return Fuzzer(name=name, path=path)


def clang(folder: Path, *words: str | Path) -> None:
    """Run the compiler; the generated loader.c comes before the runtime's."""
    subprocess.run(["clang", *FLAGS, "-I", folder, "-I", HERE, "-I", RUNTIME, *words], check=True)
