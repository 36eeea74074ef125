"""`fleetbpf build` and `fleetbpf doctor` as they are typed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import documents
from tests.tools import need

SOURCE = """\
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

SEC("tracepoint/syscalls/sys_enter_execve")
int say(void *ctx)
{
	bpf_printk("hello");
	return 0;
}
"""
MANIFEST = """\
name: example
programs:
  greeter:
    source: hello.bpf.c
plays:
  - hosts: all
    programs: [greeter]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    need("clang", "bpftool", "cc")
    (tmp_path / "hello.bpf.c").write_text(SOURCE)
    (tmp_path / "hello.yml").write_text(MANIFEST)
    return tmp_path


def fleetbpf(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "fleetbpf", *words],
        cwd=folder,
        env={**os.environ, "XDG_CACHE_HOME": str(folder / "cache")},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_a_manifests_programs_are_built_and_the_second_time_found(folder: Path) -> None:
    first = fleetbpf(folder, "build", "hello.yml")
    assert first.returncode == 0, first.stderr
    assert "greeter" in first.stdout
    assert "built" in first.stdout
    assert "cached" in fleetbpf(folder, "build", "hello.yml").stdout


@pytest.mark.parametrize("way", ["../hello.yml", "../sub/../hello.yml", "link/hello.yml"])
def test_a_manifest_may_be_named_by_any_way_that_leads_there(folder: Path, way: str) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "link").symlink_to("..")
    done = fleetbpf(folder / "sub", "build", way)
    assert done.returncode == 0, done.stderr
    again = fleetbpf(folder / "sub", "build", way)
    assert "cached" in again.stdout


def test_a_loader_is_copied_out_as_an_executable_called_as_its_program(folder: Path) -> None:
    done = fleetbpf(folder, "build", "hello.yml", "hello.bpf.c", "--output", "out")
    assert done.returncode == 0, done.stderr
    names = sorted(path.name for path in (folder / "out").iterdir())
    assert names == ["greeter", "hello"]
    assert os.access(folder / "out" / "greeter", os.X_OK)


def test_json_has_the_key_and_the_loaders_hash(folder: Path) -> None:
    done = fleetbpf(folder, "build", "hello.bpf.c", "--json")
    [program] = documents.read(done.stdout)["programs"]
    assert program["name"] == "hello"
    assert len(program["key"]) == 64
    assert len(program["sha256"]) == 64
    assert program["cached"] is False


def test_a_compile_error_names_the_manifests_line_and_shows_what_clang_says(folder: Path) -> None:
    (folder / "hello.bpf.c").write_text(SOURCE.replace("return 0", "return nothing"))
    done = fleetbpf(folder, "build", "hello.yml")
    assert done.returncode == 1
    assert done.stderr.startswith("hello.yml:3:3: hello.bpf.c does not compile\n")
    assert "error: use of undeclared identifier 'nothing'" in done.stderr
    assert "return nothing;\n" in done.stderr


def test_a_source_that_is_not_there_is_a_mistake_of_the_input(folder: Path) -> None:
    done = fleetbpf(folder, "build", "gone.bpf.c")
    assert done.returncode == 2
    assert done.stderr == "gone.bpf.c: no such file\n"


def test_two_programs_of_one_name_are_refused(folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "hello.bpf.c").write_text(SOURCE)
    done = fleetbpf(folder, "build", "hello.bpf.c", "sub/hello.bpf.c")
    assert done.returncode == 2
    assert "two programs are called hello" in done.stderr


def test_the_doctor_finds_what_builds_need(folder: Path) -> None:
    done = fleetbpf(folder, "doctor")
    assert done.returncode == 0, done.stdout
    for tool in (
        "clang",
        "bpftool",
        "cc",
        "libbpf.a",
        "libelf.a",
        "libz.a",
        "libc.a",
        "static link",
    ):
        assert tool in done.stdout


def test_the_doctor_says_how_to_install_what_is_missing(folder: Path) -> None:
    (folder / "bin").mkdir()
    (folder / "bin" / "cc").symlink_to("/bin/false")
    program = "import sys; from fleetbpf.cli import main; sys.exit(main(['doctor', '--json']))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PATH": str(folder / "bin")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    said = documents.read(done.stdout)
    missing = {tool["tool"] for tool in said["tools"] if tool["problem"] and not tool["optional"]}
    assert {"clang", "cc", "libbpf.a"} <= missing
    assert said["install"]


def test_what_the_manifest_does_not_allow_is_not_built(folder: Path) -> None:
    hook = "    hooks: {say: xdp/eth0}\n"
    (folder / "hello.yml").write_text(MANIFEST.replace("plays:", f"{hook}plays:"))
    refused = fleetbpf(folder, "build", "hello.yml")
    assert refused.returncode == 2
    assert "hello.yml:3:3: say on xdp/eth0 may change what the host does" in refused.stderr
    assert "hint: if that is meant, write `allow: [xdp]` here" in refused.stderr
