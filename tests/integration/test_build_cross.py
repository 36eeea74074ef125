"""Loaders for the other architecture, with libraries that nobody installed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fleetbpf.build.build import Artifact, Builder
from fleetbpf.build.toolchain import Toolchain
from fleetbpf.model.architecture import Architecture
from fleetbpf.model.recipe import Recipe
from tests import documents
from tests.tools import need

PROGRAMS = Path(__file__).parents[2] / "programs"
OTHER = next(each for each in Architecture if each is not Architecture.usual())
MACHINES = {Architecture.X86_64: 62, Architecture.ARM64: 183}  # e_machine, elf(5)
DYNAMIC = 3  # PT_INTERP

REGISTERS = """\
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

SEC("kprobe/do_sys_openat2")
int BPF_KPROBE(opened, int folder, const char *name)
{
	bpf_printk("%d %s", folder, name);
	return 0;
}
"""


@pytest.fixture(scope="module")
def toolchain() -> Toolchain:
    need("clang", "bpftool", "ld.lld", "gpgv", "dpkg-deb")
    return Toolchain.find(OTHER)


def build(toolchain: Toolchain, cache: Path, source: Path) -> Artifact:
    return Builder(toolchain, cache).build(Recipe(source=source, architecture=OTHER))


def machine(executable: Path) -> int:
    return int.from_bytes(executable.read_bytes()[18:20], "little")


def segments(executable: Path) -> set[int]:
    """The kinds of the program headers."""
    content = executable.read_bytes()
    start, size, count = (
        int.from_bytes(content[at : at + width], "little")
        for at, width in ((32, 8), (54, 2), (56, 2))
    )
    heads = range(start, start + size * count, size)
    return {int.from_bytes(content[at : at + 4], "little") for at in heads}


def test_a_loader_for_the_other_architecture_is_one_static_file(
    toolchain: Toolchain, tmp_path: Path
) -> None:
    built = build(toolchain, tmp_path / "cache", PROGRAMS / "hello.bpf.c")
    assert machine(built.loader) == MACHINES[OTHER]
    assert DYNAMIC not in segments(built.loader)


def test_the_same_inputs_give_the_same_bytes_there_too(
    toolchain: Toolchain, tmp_path: Path
) -> None:
    one, two = (build(toolchain, tmp_path / name, PROGRAMS / "hello.bpf.c") for name in "ab")
    assert (one.key, one.loader_sha256) == (two.key, two.loader_sha256)


def test_a_program_reads_the_registers_of_the_architecture_it_is_built_for(
    toolchain: Toolchain, tmp_path: Path
) -> None:
    source = tmp_path / "opened.bpf.c"
    source.write_text(REGISTERS)
    other = build(toolchain, tmp_path / "cache", source)
    native = Builder(Toolchain.find(), tmp_path / "cache").build(Recipe(source=source))
    assert other.key != native.key
    assert other.object.read_bytes() != native.object.read_bytes()


def test_both_architectures_are_asked_for_by_name(toolchain: Toolchain, tmp_path: Path) -> None:
    words = ("build", PROGRAMS / "hello.bpf.c", "--arch", "all", "--output", tmp_path, "--json")
    said = subprocess.run(
        [sys.executable, "-m", "fleetbpf", *words], capture_output=True, check=True, timeout=600
    )
    rows = documents.read(said.stdout.decode())["programs"]
    assert [row["architecture"] for row in rows] == list(Architecture)
    assert [machine(tmp_path / f"hello.{each}") for each in Architecture] == list(MACHINES.values())


def test_an_unknown_architecture_is_refused_with_those_there_are(tmp_path: Path) -> None:
    words = ("build", PROGRAMS / "hello.bpf.c", "--arch", "vax")
    said = subprocess.run(
        [sys.executable, "-m", "fleetbpf", *words], capture_output=True, text=True, check=False
    )
    assert said.returncode == 2
    assert "'vax' is not one of x86_64, arm64 and all" in said.stderr


def test_without_a_mirror_it_is_said_what_could_not_be_had(tmp_path: Path) -> None:
    need("clang", "bpftool", "ld.lld", "gpgv", "dpkg-deb")
    said = subprocess.run(
        [sys.executable, "-m", "fleetbpf", "build", PROGRAMS / "hello.bpf.c", "--arch", OTHER],
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path), "http_proxy": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 1
    assert f"the libraries for {OTHER} could not be had from Debian's archive" in said.stderr
    assert "hint: check the network" in said.stderr
