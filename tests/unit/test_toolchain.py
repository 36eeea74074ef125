"""The toolchain: remembered while its files are the same."""

from dataclasses import replace
from pathlib import Path

import pytest

from fleetbpf.build import compilation, requirements, toolchain
from fleetbpf.build.doctor import Finding
from fleetbpf.build.toolchain import Toolchain
from fleetbpf.errors import BuildError
from fleetbpf.model.architecture import Architecture
from fleetbpf.model.recipe import Recipe


def example(clang: Path) -> Toolchain:
    return Toolchain(
        architecture=Architecture.X86_64,
        clang=clang,
        bpftool=Path("/usr/sbin/bpftool"),
        cc=Path("/usr/bin/cc"),
        libraries=("-lbpf",),
        include_folders=(Path("/usr/include"),),
        extra_folders=(),
        identities=("clang 14",),
    )


@pytest.fixture
def clang(tmp_path: Path) -> Path:
    path = tmp_path / "clang"
    path.write_text("#!/bin/sh\n")
    return path


@pytest.fixture
def memory(tmp_path: Path, clang: Path) -> Path:
    memory = tmp_path / "cache" / "toolchain.json"
    toolchain.remember(memory, example(clang), [clang])
    return memory


def test_a_toolchain_is_remembered(memory: Path, clang: Path) -> None:
    assert toolchain.recall(memory) == example(clang)


def test_a_replaced_tool_is_noticed(memory: Path, clang: Path) -> None:
    clang.write_text("#!/bin/sh\n# newer\n")
    assert toolchain.recall(memory) is None


def test_a_removed_tool_is_noticed(memory: Path, clang: Path) -> None:
    clang.unlink()
    assert toolchain.recall(memory) is None


def test_another_tool_first_on_the_path_is_noticed(
    memory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "bin" / "cc"
    other.parent.mkdir()
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", str(other.parent), prepend=":")
    assert toolchain.recall(memory) is None


@pytest.mark.parametrize("content", ["", "{}", "[]"])
def test_a_memory_that_cannot_be_read_is_no_memory(memory: Path, content: str) -> None:
    memory.write_text(content)
    assert toolchain.recall(memory) is None


def test_a_memory_that_cannot_be_written_is_no_error(tmp_path: Path, clang: Path) -> None:
    (tmp_path / "file").write_text("")
    toolchain.remember(tmp_path / "file" / "toolchain.json", example(clang), [clang])


def test_a_missing_tool_stops_a_build_with_the_command_that_installs_it() -> None:
    missing = Finding(requirement=requirements.CLANG, problem="missing")
    with pytest.raises(BuildError) as caught:
        toolchain.refuse_missing([missing])
    [problem] = caught.value.problems
    assert problem.what == "cannot build here: clang: missing"
    assert "clang" in problem.hint


def test_a_relative_cache_home_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", "/home/ann")
    assert toolchain.default_cache() == Path("/home/ann/.cache/fleetbpf/build")
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache")
    assert toolchain.default_cache() == Path("/var/cache/fleetbpf/build")


def test_a_source_may_read_where_the_links_of_the_system_s_headers_lead(
    tmp_path: Path, clang: Path
) -> None:
    kept, seen = tmp_path / "uapi" / "x86" / "asm", tmp_path / "include" / "asm"
    for folder in (kept, seen):
        folder.mkdir(parents=True)
    (kept / "types.h").touch()
    (seen / "types.h").symlink_to("../../uapi/x86/asm/types.h")
    found = replace(example(clang), include_folders=(seen.parent,))
    recipe = Recipe(source=tmp_path / "own" / "x.bpf.c")
    assert kept in compilation.readable(found, recipe)
    assert kept.parent not in compilation.readable(found, recipe)
