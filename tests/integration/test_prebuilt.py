"""Objects that somebody else compiled become loaders, whatever is or is not in them."""

import json
import subprocess
from pathlib import Path

import pytest

from fleetbpf.build.build import Artifact, Builder
from fleetbpf.build.build_key import program_key
from fleetbpf.build.toolchain import Toolchain
from fleetbpf.errors import BuildError
from fleetbpf.model.recipe import Recipe
from tests.tools import need

SOURCE = """\
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";
const volatile int limit = 7;
int executed;

SEC("tracepoint/syscalls/sys_enter_execve")
int say(void *ctx)
{
	static const char format[] = "executed: %d";

	if (++executed < limit)
		bpf_trace_printk(format, sizeof(format), executed);
	return 0;
}
"""
MAP = """
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, long);
} seen SEC(".maps");
"""


@pytest.fixture(scope="module")
def toolchain() -> Toolchain:
    need("clang", "bpftool", "cc")
    return Toolchain.find()


@pytest.fixture(scope="module")
def builder(toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Builder:
    return Builder(toolchain, tmp_path_factory.mktemp("cache"))


def compiled(toolchain: Toolchain, folder: Path, text: str, *flags: str) -> Path:
    """An object as a Makefile of somebody else would make it."""
    source, made = folder / "hello.c", folder / "hello.o"
    source.write_text(text)
    folders = [f"-I{path}" for path in toolchain.extra_folders]
    command = [
        str(toolchain.clang),
        "-target",
        "bpf",
        "-O2",
        *flags,
        *folders,
        "-c",
        str(source),
        "-o",
        str(made),
    ]
    subprocess.run(command, check=True)
    return made


def built(builder: Builder, made: Path) -> Artifact:
    return builder.build(Recipe(source=made))


def refusal(builder: Builder, made: Path) -> str:
    with pytest.raises(BuildError) as caught:
        built(builder, made)
    return caught.value.problems[0].what


def test_an_object_tells_as_much_as_its_source(
    builder: Builder, toolchain: Toolchain, tmp_path: Path
) -> None:
    source = tmp_path / "hello.bpf.c"
    source.write_text(SOURCE + MAP)
    expected = builder.build(Recipe(source=source)).description
    made = compiled(toolchain, tmp_path, SOURCE + MAP, "-g")
    found = built(builder, made).description
    assert found.functions == expected.functions
    assert found.constants == expected.constants
    assert [each.name for each in found.maps] == [each.name for each in expected.maps]
    assert found.prints


def test_dwarf_does_not_travel(builder: Builder, toolchain: Toolchain, tmp_path: Path) -> None:
    made = compiled(toolchain, tmp_path, SOURCE, "-g")
    assert b".debug_info" in made.read_bytes()
    assert b".debug_info" not in built(builder, made).object.read_bytes()


def test_an_object_without_btf_has_functions_and_no_constants(
    builder: Builder, toolchain: Toolchain, tmp_path: Path
) -> None:
    artifact = built(builder, compiled(toolchain, tmp_path, SOURCE))
    assert [each.name for each in artifact.description.functions] == ["say"]
    assert artifact.description.constants == ()
    assert artifact.description.prints
    done = subprocess.run([artifact.loader, "--describe"], capture_output=True, check=True)
    assert json.loads(done.stdout)["program"] == "hello"


def test_linked_objects_are_one(builder: Builder, toolchain: Toolchain, tmp_path: Path) -> None:
    other = "int add(int a);\nint add(int a) { return a + 1; }\n"
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    calling = SOURCE.replace("++executed", "add(executed)").replace(
        "int exec", "int add(int);\nint exec"
    )
    parts = [
        compiled(toolchain, tmp_path / "one", calling, "-g"),
        compiled(toolchain, tmp_path / "two", other, "-g"),
    ]
    linked = tmp_path / "linked.bpf.o"
    subprocess.run([toolchain.bpftool, "gen", "object", linked, *parts], check=True)
    assert [each.name for each in built(builder, linked).description.functions] == ["say"]


def test_the_key_is_that_of_the_bytes(
    builder: Builder, toolchain: Toolchain, tmp_path: Path
) -> None:
    made = compiled(toolchain, tmp_path, SOURCE)
    first = builder.inputs(Recipe(source=made))
    assert built(builder, made).key == program_key(first)
    compiled(toolchain, tmp_path, SOURCE.replace("executed:", "seen:"))
    assert builder.inputs(Recipe(source=made)) != first


def test_an_object_for_other_machines_is_refused(
    builder: Builder, toolchain: Toolchain, tmp_path: Path
) -> None:
    made = compiled(toolchain, tmp_path, SOURCE, "-target", "bpfeb")
    assert "big-endian" in refusal(builder, made)


def test_maps_whose_btf_is_missing_are_told(
    builder: Builder, toolchain: Toolchain, tmp_path: Path
) -> None:
    made = compiled(toolchain, tmp_path, SOURCE + MAP)
    assert "has no BTF" in refusal(builder, made)


def test_a_call_into_a_c_library_is_told_before_any_host_is(
    builder: Builder, toolchain: Toolchain, tmp_path: Path
) -> None:
    text = SOURCE.replace("int executed", "int puts(const char *);\nint executed")
    made = compiled(toolchain, tmp_path, text.replace("++executed", 'puts("")'))
    assert "uses `puts`, which it does not define" in refusal(builder, made)


def test_a_damaged_object_is_told(builder: Builder, toolchain: Toolchain, tmp_path: Path) -> None:
    made = compiled(toolchain, tmp_path, SOURCE)
    made.write_bytes(made.read_bytes()[:200])
    assert "is a damaged ELF file" in refusal(builder, made)
