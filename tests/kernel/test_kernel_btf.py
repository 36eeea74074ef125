"""A kernel whose types are hidden, as if it had been built without them, and given by a file."""

import os
import subprocess
from pathlib import Path

import pytest

from fleetbpf.build.build import Builder
from fleetbpf.build.kernel_btf import BtfFolder
from fleetbpf.model.recipe import Recipe
from tests.kernel.conftest import HERE, Build
from tests.kernel.running import Loader, ping
from tests.tools import absent
from tests.unit.samples import host_facts

BTF = Path("/sys/kernel/btf/vmlinux")
KERNEL = os.uname().release
# In a mount namespace where /sys/kernel/btf is empty.
HIDDEN = ("unshare", "-m", "sh", "-c", f'mount -t tmpfs none {BTF.parent} && exec "$@"', "sh")


@pytest.fixture
def types(builder: Builder, tmp_path: Path) -> Path:
    """What the program `parents` needs of this kernel's types."""
    if not BTF.exists():
        absent("this kernel has no BTF to hide")
    (tmp_path / "btf").mkdir()
    (tmp_path / "btf" / f"{KERNEL}.btf").write_bytes(BTF.read_bytes())
    kernel = BtfFolder.read(tmp_path / "btf").of(host_facts(btf=False, kernel=KERNEL))
    assert kernel is not None
    program = builder.build(Recipe(source=HERE / "programs" / "parents.bpf.c"))
    cut = tmp_path / "cut.btf"
    cut.write_bytes(builder.cut_btf(program, kernel))
    return cut


def test_only_what_the_object_needs_is_cut(types: Path) -> None:
    assert 0 < types.stat().st_size < 4096


def test_a_program_fits_the_kernel_by_the_types_in_a_file(
    build: Build, types: Path, tmp_path: Path
) -> None:
    arguments = ("--set", f"pid={os.getpid()}", "--btf", f"{KERNEL}={types}")
    loader = Loader(path=build("parents"), arguments=arguments, folder=tmp_path / "parents")
    try:
        loader.start(before=HIDDEN)
        ping()
        loader.stop()
        assert loader.texts() == [f"parent {os.getppid()}"]
    finally:
        loader.end()


@pytest.mark.parametrize("release", ["5.4.0-another", None])
def test_the_types_of_another_kernel_are_not_used(
    build: Build, types: Path, release: str | None
) -> None:
    given = ["--btf", f"{release}={types}"] if release else []
    command = [*HIDDEN, str(build("parents")), "--check", *given]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 1
    assert "this kernel has no BTF" in done.stderr
