"""A static link tried for real: on this machine's libraries, and on an incomplete one."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from fleetbpf.build import static_link, toolchain
from fleetbpf.build.toolchain import Toolchain
from fleetbpf.execution.command import Command
from fleetbpf.execution.local import LocalConnection

INCOMPLETE = """
int a_forgotten_piece(void);
void *bpf_object__open_mem(const void *bytes, unsigned long size, const void *options)
{
	return a_forgotten_piece() ? (void *)bytes : (void *)0;
}
"""
# What libelf.a of elfutils 0.192 asks for, in the way that libelf.a does.
LIBELF = """
void eu_search_tree_init(void *);
void eu_search_tree_fini(void *, void (*)(void *));
unsigned int ZSTD_isError(unsigned long);
unsigned long ZSTD_decompress(void *, unsigned long, const void *, unsigned long);
void *bpf_object__open_mem(const void *bytes, unsigned long size, const void *options)
{
	long tree[8] = {0};

	eu_search_tree_init(tree);
	eu_search_tree_fini(tree, 0);
	return ZSTD_isError(ZSTD_decompress(tree, 8, bytes, size)) ? 0 : (void *)bytes;
}
"""


@pytest.fixture(scope="module")
def here() -> Toolchain:
    found, _ = toolchain.survey()
    return found


def with_library(here: Toolchain, folder: Path, source: str) -> Toolchain:
    """The toolchain with a libbpf.a made of `source` in the place of all libraries."""
    (folder / "libbpf.c").write_text(source)
    subprocess.run([here.cc, "-c", "libbpf.c"], cwd=folder, check=True, timeout=60)
    subprocess.run(["ar", "rc", "libbpf.a", "libbpf.o"], cwd=folder, check=True, timeout=60)
    return replace(here, libraries=(str(folder / "libbpf.a"),))


def test_the_libraries_of_this_machine_link(here: Toolchain) -> None:
    assert static_link.examine(here).problem == ""


def test_an_incomplete_archive_is_named_with_what_it_lacks(here: Toolchain, tmp_path: Path) -> None:
    problem = static_link.examine(with_library(here, tmp_path, INCOMPLETE)).problem
    assert f"{tmp_path}/libbpf.a: incomplete, nothing defines a_forgotten_piece" in problem


def test_what_libelf_forgot_or_has_no_use_for_is_there(here: Toolchain, tmp_path: Path) -> None:
    assert static_link.examine(with_library(here, tmp_path, LIBELF)).problem == ""


def test_an_archive_of_the_distribution_is_told_by_its_package(here: Toolchain) -> None:
    with LocalConnection() as local:
        name = local.run(Command(here.cc, "-print-file-name=libelf.a"), timeout=60).stdout.decode()
        owner = static_link.owner_of(local, Path(name.strip()))
    assert owner.startswith("libelf.a of libelf-dev ")
