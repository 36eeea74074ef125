"""Whole loaders under valgrind: from the start to the stop no bad access, and nothing leaks."""

import os
import subprocess
from pathlib import Path

import pytest

from fleetbpf.build import compilation
from fleetbpf.build.toolchain import Toolchain
from fleetbpf.build.workbench import Workbench
from fleetbpf.execution.local import LocalConnection
from fleetbpf.model.recipe import Recipe
from tests.kernel.running import Loader, ping
from tests.tools import need

PROGRAMS = Path(__file__).parent / "programs"
PID = f"pid={os.getpid()}"
FOUND = 99  # the exit status when valgrind has something to say
# libbpf asks the kernel for less than valgrind thinks that the call reads.
SUPPRESSIONS = "".join(
    f"{{\n{field}\nMemcheck:Param\nbpf(attr->{field})\n...\nobj:*/libbpf.so*\n}}\n"
    for field in ("expected_attach_type", "prog_ifindex")
)


def dynamic_loader(name: str, folder: Path) -> Path:
    """The loader of a program, linked so that valgrind sees its malloc."""
    toolchain = Toolchain.find(memory=folder / "toolchain.json")
    recipe = Recipe(source=PROGRAMS / f"{name}.bpf.c", where=name)
    with LocalConnection() as here:
        bench = Workbench(toolchain=toolchain, folder=folder, here=here)
        bench.compile_object(recipe, bench.compile_watch(), compilation.readable(toolchain, recipe))
        objects = tuple(folder / name for name in bench.compile_runtime())
        bench.link_loader(bench.describe_object(recipe), "0" * 64, objects, recipe)
    words = ("gcc", "-std=gnu11", "-D_GNU_SOURCE", "-g", "-I", compilation.RUNTIME, "-o", name)
    inputs: tuple[str | Path, ...] = (compilation.LOADER_SOURCE, *objects, "-lbpf", "-lelf", "-lz")
    subprocess.run([*words, *inputs], cwd=folder, check=True)
    return folder / name


@pytest.mark.parametrize("name", ["ping", "events"])
def test_valgrind_has_nothing_to_say(name: str, tmp_path: Path) -> None:
    need("valgrind", "gcc", "clang", "bpftool")
    (tmp_path / "suppressions").write_text(SUPPRESSIONS)
    checked = (
        *("valgrind", "-q", f"--error-exitcode={FOUND}", "--leak-check=full"),
        f"--log-file={tmp_path / 'said'}",
        f"--suppressions={tmp_path / 'suppressions'}",
    )
    loader = Loader(
        path=dynamic_loader(name, tmp_path), arguments=("--set", PID), folder=tmp_path / "run"
    )
    loader.start(before=checked)
    try:
        ping(100)
    finally:
        status = loader.stop()
    assert status == 0, (tmp_path / "said").read_text()
    kinds = [record["kind"] for record in loader.records()]
    assert (kinds[0], kinds[-1]) == ("start", "stop")
    assert len(kinds) > 50
