"""Time of a build, cold and cached, beside the bare clang + bpftool + cc commands."""

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import measuring
from measuring import Case

from fleetbpf import compilation
from fleetbpf.build import Builder
from fleetbpf.toolchain import Toolchain

SOURCE = Path(__file__).parent.parent / "programs" / "hello.bpf.c"

# What a tutorial's loader is: open, load, attach, wait.
MINIMAL = """
#include <unistd.h>
#include "program.skel.h"

int main(void)
{
	struct program *skeleton = program__open_and_load();

	if (!skeleton || program__attach(skeleton))
		return 1;
	pause();
	return 0;
}
"""


class Ours:
    """Builds into a cache of its own."""

    def __init__(self, folder: Path, toolchain: Toolchain) -> None:
        self.cache = folder / "cache"
        self.toolchain = toolchain
        self.source = folder / "src" / SOURCE.name
        self.source.parent.mkdir()
        self.edits = 0
        shutil.copy(SOURCE, self.source)

    def cold(self) -> float:
        """Nothing is there: the runtime is compiled as well."""
        shutil.rmtree(self.cache, ignore_errors=True)
        return self.cached()

    def edited(self) -> float:
        """The source has changed, the runtime is there."""
        self.edits += 1
        self.source.write_text(f"{SOURCE.read_text()}\n// {self.edits}\n")
        return self.cached()

    def cached(self) -> float:
        return measuring.wall_ms(lambda: Builder(self.toolchain, self.cache).build(self.source))

    def key(self) -> float:
        return measuring.wall_ms(lambda: Builder(self.toolchain, self.cache).key(self.source))


class Bare:
    """The commands that one would type."""

    def __init__(self, folder: Path, toolchain: Toolchain) -> None:
        self.folder = folder / "bare"
        self.folder.mkdir()
        (self.folder / "loader.c").write_text(MINIMAL)
        self.commands = list(bare_commands(toolchain))

    def build(self) -> float:
        return measuring.wall_ms(self.run)

    def run(self) -> None:
        for command in self.commands:
            subprocess.run(command, shell=True, check=True, cwd=self.folder)


def bare_commands(toolchain: Toolchain) -> Sequence[str]:
    folders = (*compilation.header_folders(toolchain), *toolchain.extra_folders)
    headers = " ".join(f"-I{folder}" for folder in folders)
    return (
        (
            f"{toolchain.clang} -target bpf -O2 -g -D__TARGET_ARCH_{toolchain.target} {headers} "
            f"-c {SOURCE} -o program.bpf.o"
        ),
        f"{toolchain.bpftool} gen skeleton program.bpf.o name program > program.skel.h",
        f"{toolchain.cc} -O2 -static loader.c -o loader {' '.join(toolchain.libraries)}",
    )


def main() -> None:
    options = measuring.options(__doc__ or "")
    toolchain = Toolchain.find()
    with tempfile.TemporaryDirectory() as name:
        ours, bare = Ours(Path(name), toolchain), Bare(Path(name), toolchain)
        ways = {
            "cold build, runtime too": ours.cold,
            "build after an edit": ours.edited,
            "cached build": ours.cached,
            "build key, unchanged": ours.key,
        }
        cases = [
            Case(name=case, ours=way, peer=bare.build, peer_name="clang + bpftool + cc", unit="ms")
            for case, way in ways.items()
        ]
        rounds = measuring.QUICK_ROUNDS if options.quick else measuring.ROUNDS
        results = measuring.measure(cases, rounds=rounds)
    measuring.tell(results, as_json=options.json)


if __name__ == "__main__":
    main()
