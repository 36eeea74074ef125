"""What one would do without fleetbpf: the loader of a tutorial, and the commands that build it."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from fleetbpf.build import compilation
from fleetbpf.build.toolchain import Toolchain

SOURCE = Path(__file__).parent.parent / "programs" / "hello.bpf.c"

# Open, load, attach, say so, wait.
MINIMAL = """
#include <stdio.h>
#include <unistd.h>
#include "program.skel.h"

int main(void)
{
	struct program *skeleton = program__open_and_load();

	if (!skeleton || program__attach(skeleton))
		return 1;
	puts("ready");
	fflush(stdout);
	pause();
	return 0;
}
"""


class Bare:
    """The tutorial's loader, built in a folder."""

    def __init__(self, folder: Path, toolchain: Toolchain) -> None:
        self.folder = folder / "bare"
        self.folder.mkdir()
        self.loader = self.folder / "loader"
        (self.folder / "loader.c").write_text(MINIMAL)
        self.commands = commands(toolchain)

    def build(self) -> None:
        for command in self.commands:
            subprocess.run(command, shell=True, check=True, cwd=self.folder)


def commands(toolchain: Toolchain) -> Sequence[str]:
    folders = (*compilation.header_folders(toolchain), *toolchain.extra_folders)
    headers = " ".join(f"-I{folder}" for folder in folders)
    compile_object = (
        f"{toolchain.clang} -target bpf -O2 -g "
        f"-D__TARGET_ARCH_{toolchain.architecture.libbpf} {headers} "
        f"-c {SOURCE} -o program.bpf.o"
    )
    return (
        compile_object,
        f"{toolchain.bpftool} gen skeleton program.bpf.o name program > program.skel.h",
        f"{toolchain.cc} -O2 -static loader.c -o loader {' '.join(toolchain.libraries)}",
    )
