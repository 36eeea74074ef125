"""Programs become loaders with the real tools: everywhere the same, and errors that read well."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleetbpf.build import compilation
from fleetbpf.build.build import Artifact, Builder
from fleetbpf.build.build_key import program_key
from fleetbpf.build.builders import Builders
from fleetbpf.build.toolchain import Toolchain
from fleetbpf.errors import BuildError, Problem
from fleetbpf.model.recipe import Recipe
from tests.tools import absent, need, need_root
from tests.waiting import wait_until

SOURCE = """\
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "greeting.h"

char LICENSE[] SEC("license") = "GPL";

SEC("tracepoint/syscalls/sys_enter_execve")
int say(void *ctx)
{
	bpf_printk(GREETING);
	return 0;
}
"""
HEADER = '#define GREETING "hello"\n'
STATIC_MAP = """\
static struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} own SEC(".maps");

__u32 *seen(__u32 key)
{
	return bpf_map_lookup_elem(&own, &key);
}

"""
PLAIN = SOURCE.replace('#include "greeting.h"\n', HEADER)


@pytest.fixture(scope="module")
def toolchain() -> Toolchain:
    need("clang", "bpftool", "cc")
    return Toolchain.find()


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory, toolchain: Toolchain) -> Path:
    """A cache that has the runtime and nothing else: most tests need not compile it again."""
    cache = tmp_path_factory.mktemp("warm") / "build"
    Builder(toolchain, cache)._runtime()
    return cache


@pytest.fixture
def cache(tmp_path: Path, warm: Path) -> Path:
    return shutil.copytree(warm, tmp_path / "cache")


@pytest.fixture
def builder(toolchain: Toolchain, cache: Path) -> Builder:
    return Builder(toolchain, cache)


@pytest.fixture
def builders(toolchain: Toolchain, cache: Path) -> Builders:
    return Builders(cache=cache)


def write(folder: Path, source: str = SOURCE, header: str = HEADER) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "greeting.h").write_text(header)
    path = folder / "hello.bpf.c"
    path.write_text(source)
    return path


def refusal(builder: Builder, source: Path) -> Problem:
    with pytest.raises(BuildError) as caught:
        builder.build(Recipe(source=source, where="hello.yml:4:5"))
    [problem] = caught.value.problems
    return problem


def run(artifact: Artifact, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [artifact.loader, *arguments], capture_output=True, text=True, check=False, timeout=60
    )


def test_a_loader_runs_and_knows_its_key(builder: Builder, tmp_path: Path) -> None:
    artifact = builder.build(Recipe(source=write(tmp_path / "src")))
    done = run(artifact, "--describe")
    assert done.returncode == 0, done.stderr
    assert artifact.key in done.stdout


def test_a_loader_needs_no_library_of_the_host(builder: Builder, tmp_path: Path) -> None:
    need("readelf")
    loader = builder.build(Recipe(source=write(tmp_path / "src"))).loader
    said = subprocess.run(["readelf", "-lS", loader], capture_output=True, text=True, check=True)
    assert "INTERP" not in said.stdout
    assert ".symtab" not in said.stdout
    assert "build-id" not in said.stdout


def test_two_directories_and_two_caches_give_the_same_key_and_bytes(
    toolchain: Toolchain, cache: Path, tmp_path: Path
) -> None:
    folders = (tmp_path / "a", tmp_path / "somewhere" / "with 'odd' $(name)s")
    one = Builder(toolchain, cache).build(Recipe(source=write(folders[0])))
    two = Builder(toolchain, tmp_path / "other cache").build(Recipe(source=write(folders[1])))
    assert not two.cached
    assert one.key == two.key
    assert one.object.read_bytes() == two.object.read_bytes()
    assert one.loader.read_bytes() == two.loader.read_bytes()


def test_neither_object_nor_loader_names_a_folder_of_this_machine(
    builder: Builder, tmp_path: Path
) -> None:
    artifact = builder.build(Recipe(source=write(tmp_path / "src")))
    for content in (artifact.object.read_bytes(), artifact.loader.read_bytes()):
        assert str(tmp_path).encode() not in content
        assert str(compilation.PACKAGE).encode() not in content


def test_the_object_keeps_the_source_lines_that_a_verifiers_log_shows(
    builder: Builder, tmp_path: Path
) -> None:
    content = builder.build(Recipe(source=write(tmp_path / "src"))).object.read_bytes()
    assert b"bpf_printk(GREETING);" in content
    assert b".debug_info" not in content


def test_the_second_build_is_cached_and_describes_the_same(
    builder: Builder, tmp_path: Path
) -> None:
    source = write(tmp_path / "src")
    first, second = builder.build(Recipe(source=source)), builder.build(Recipe(source=source))
    assert (first.cached, second.cached) == (False, True)
    assert (first.key, first.loader, first.loader_sha256) == (
        second.key,
        second.loader,
        second.loader_sha256,
    )
    assert first.description.functions == second.description.functions


def test_a_key_is_the_same_before_and_after_the_build(builder: Builder, tmp_path: Path) -> None:
    source = write(tmp_path / "src")
    inputs = builder.inputs(Recipe(source=source))
    assert builder.build(Recipe(source=source)).key == program_key(inputs)
    assert builder.inputs(Recipe(source=source)) == inputs


def test_a_known_key_runs_no_process(
    builder: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write(tmp_path / "src")
    inputs = builder.inputs(Recipe(source=source))

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    assert builder.inputs(Recipe(source=source)) == inputs


def test_a_changed_header_is_built_anew_and_a_change_taken_back_is_found_again(
    builder: Builder, tmp_path: Path
) -> None:
    source = write(tmp_path / "src")
    first = builder.build(Recipe(source=source))
    write(tmp_path / "src", header='#define GREETING "bye"\n')
    changed = builder.build(Recipe(source=source))
    assert not changed.cached
    assert changed.key != first.key
    write(tmp_path / "src")
    assert builder.build(Recipe(source=source)).key == first.key


def test_a_header_that_comes_first_on_the_search_path_now_is_used(
    builder: Builder, tmp_path: Path
) -> None:
    source = write(tmp_path / "src")
    first = builder.build(Recipe(source=source))
    ours = compilation.HEADERS / "x86_64" / "vmlinux.h"
    (tmp_path / "src" / "vmlinux.h").write_text(f'#include "{ours}"\n')
    assert builder.build(Recipe(source=source)).key != first.key


def test_a_folder_where_a_header_was_asked_for_is_noticed_when_it_becomes_one(
    builder: Builder, tmp_path: Path
) -> None:
    asks = '#if __has_include("late.h")\n#define LATE 2\n#else\n#define LATE 1\n#endif\n'
    text = PLAIN.replace("return 0;", "return LATE;")
    source = write(tmp_path / "src", asks + text)
    late = tmp_path / "src" / "late.h"
    late.mkdir()
    first = builder.build(Recipe(source=source))
    assert builder.build(Recipe(source=source)).cached
    late.rmdir()
    late.write_text("")
    second = builder.build(Recipe(source=source))
    assert second.key != first.key
    late.unlink()
    late.symlink_to("nowhere.h")
    assert builder.build(Recipe(source=source)).key == first.key
    assert builder.inputs(Recipe(source=source)) == builder.inputs(Recipe(source=source))


def test_a_source_that_goes_by_angle_brackets_finds_its_own_folder(
    builder: Builder, tmp_path: Path
) -> None:
    text = SOURCE.replace('"greeting.h"', "<greeting.h>")
    assert builder.build(Recipe(source=write(tmp_path / "src", text))).loader.exists()


def test_uapi_headers_can_be_used_instead_of_vmlinux_h(builder: Builder, tmp_path: Path) -> None:
    text = SOURCE.replace('"vmlinux.h"', "<linux/bpf.h>")
    assert not builder.build(Recipe(source=write(tmp_path / "src", text))).description.needs_btf


@pytest.mark.parametrize("name", ["loader", "program.bpf.o", "artifact.json"])
def test_a_damaged_entry_is_rebuilt(builder: Builder, tmp_path: Path, name: str) -> None:
    source = write(tmp_path / "src")
    first = builder.build(Recipe(source=source))
    damaged = first.loader.parent / name
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    again = builder.build(Recipe(source=source))
    assert not again.cached
    assert again.loader_sha256 == first.loader_sha256
    assert builder.build(Recipe(source=source)).cached


def test_a_damaged_runtime_is_rebuilt(builder: Builder, tmp_path: Path) -> None:
    builder._runtime()[0].write_bytes(b"")
    assert run(builder.build(Recipe(source=write(tmp_path / "src"))), "--help").returncode == 0


def test_a_compile_error_is_shown_as_clang_prints_it(
    builder: Builder, toolchain: Toolchain, tmp_path: Path
) -> None:
    source = write(tmp_path / "src", SOURCE.replace("return 0;", "return nothing;"))
    problem = refusal(builder, source)
    assert problem.where == "hello.yml:4:5"
    assert problem.what == "hello.bpf.c does not compile"
    command = compilation.compile_object(toolchain, source, tmp_path, colour=False)
    said = subprocess.run(command.argv(), cwd=source.parent, capture_output=True, check=False)
    assert problem.detail.encode() == said.stderr
    assert f"{source}:11:9: error: use of undeclared identifier 'nothing'" in problem.detail
    assert "\x1b" not in problem.detail


def test_a_helper_that_does_not_exist_is_a_compile_error(builder: Builder, tmp_path: Path) -> None:
    source = write(tmp_path / "src", SOURCE.replace("return 0;", "return bpf_no_such_helper();"))
    problem = refusal(builder, source)
    assert problem.what == "hello.bpf.c does not compile"
    assert "bpf_no_such_helper" in problem.detail


def test_a_compile_error_has_colours_for_a_terminal(
    toolchain: Toolchain, cache: Path, tmp_path: Path
) -> None:
    builder = Builder(toolchain, cache, colour=True)
    assert "\x1b[" in refusal(builder, write(tmp_path / "src", "int x = y;\n")).detail


def test_a_missing_header_is_a_compile_error_for_the_key_too(
    builder: Builder, tmp_path: Path
) -> None:
    source = write(tmp_path / "src", '#include "gone.h"\n')
    with pytest.raises(BuildError, match=r"'gone\.h' file not found"):
        builder.inputs(Recipe(source=source))


def test_warnings_are_kept_and_are_not_fatal(builder: Builder, tmp_path: Path) -> None:
    source = write(tmp_path / "src", SOURCE.replace("return 0;", "int unused;\n\treturn 0;"))
    assert "unused variable 'unused'" in builder.build(Recipe(source=source)).warnings
    assert "unused variable 'unused'" in builder.build(Recipe(source=source)).warnings


def test_a_source_without_a_function_says_what_one_needs(builder: Builder, tmp_path: Path) -> None:
    source = write(tmp_path / "src", PLAIN.partition('SEC("tracepoint')[0])
    problem = refusal(builder, source)
    assert problem.what == "hello.bpf.c has no BPF function"
    assert "SEC(" in problem.hint


@pytest.mark.parametrize(
    ("change", "what"),
    [
        pytest.param(
            ("int say", "__attribute__((used)) static int say"),
            "has the function `say` in `tracepoint/syscalls/sys_enter_execve`, and it is static",
            id="function",
        ),
        pytest.param(
            (
                'SEC("tracepoint',
                f'{STATIC_MAP}SEC("tracepoint',
            ),
            "has the map `own`, and it is static",
            id="map",
        ),
    ],
)
def test_what_is_static_though_libbpf_wants_to_see_it_is_told(
    builder: Builder, tmp_path: Path, change: tuple[str, str], what: str
) -> None:
    problem = refusal(builder, write(tmp_path / "src", PLAIN.replace(*change)))
    assert problem.what.startswith(f"hello.bpf.c {what}")
    assert "`static`" in problem.hint


def test_a_symbol_without_a_type_is_told_in_bpftools_words_alone(
    builder: Builder, tmp_path: Path
) -> None:
    text = PLAIN + '__asm__(".data\\n.globl blob\\nblob: .byte 1\\n.text");\n'
    problem = refusal(builder, write(tmp_path / "src", text))
    assert problem.what == "bpftool cannot link hello.bpf.c"
    assert "failed to find BTF info for global/extern symbol 'blob'" in problem.detail
    assert problem.hint == ""


def test_a_source_without_a_license_says_how_to_add_one(builder: Builder, tmp_path: Path) -> None:
    problem = refusal(builder, write(tmp_path / "src", PLAIN.replace("char LICENSE", "// ")))
    assert problem.what == "hello.bpf.c does not say its license"
    assert "LICENSE" in problem.hint


def test_a_source_that_is_not_there_is_said(builder: Builder, tmp_path: Path) -> None:
    assert "cannot be read" in refusal(builder, tmp_path / "gone.bpf.c").what


def test_a_source_must_be_called_bpf_c(builder: Builder, tmp_path: Path) -> None:
    (tmp_path / "hello.c").write_text(PLAIN)
    assert refusal(builder, tmp_path / "hello.c").hint == "call it hello.bpf.c"


def test_all_programs_that_fail_are_told_at_once(builders: Builders, tmp_path: Path) -> None:
    bad = [write(tmp_path / name, "int x = y;\n") for name in ("a", "b")]
    good = write(tmp_path / "c")
    with pytest.raises(BuildError) as caught:
        builders.build_all(
            Recipe(source=source, where=f"m.yml:{line}:1")
            for line, source in enumerate((bad[0], good, bad[1]), start=1)
        )
    assert [problem.where for problem in caught.value.problems] == ["m.yml:1:1", "m.yml:3:1"]
    assert builders.artifact(Recipe(source=good)).description.program == "hello"


def test_many_programs_are_built_at_once(builders: Builders, tmp_path: Path) -> None:
    sources = [
        write(tmp_path / name, header=f'#define GREETING "{name}"\n') for name in ("a", "b", "c")
    ]
    artifacts = builders.build_all(Recipe(source=source) for source in sources)
    assert len({artifact.loader_sha256 for artifact in artifacts.values()}) == 3


BUILD = """
import sys
from pathlib import Path
from fleetbpf.build.build import Builder
from fleetbpf.model.recipe import Recipe
from fleetbpf.build.toolchain import Toolchain
artifact = Builder(Toolchain.find(), Path(sys.argv[1])).build(Recipe(source=Path(sys.argv[2])))
print(artifact.key, artifact.loader_sha256)
"""


def test_two_processes_may_build_the_same_at_once(toolchain: Toolchain, tmp_path: Path) -> None:
    paths = (tmp_path / "cache", write(tmp_path / "src"))
    command = [sys.executable, "-c", BUILD, *map(str, paths)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    said = [process.communicate(timeout=300)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert said[0] == said[1]
    assert list((tmp_path / "cache" / "building").iterdir()) == []


def test_a_killed_build_leaves_nothing_that_a_later_one_trips_over(
    toolchain: Toolchain, tmp_path: Path
) -> None:
    cache, source = tmp_path / "cache", write(tmp_path / "src")
    process = subprocess.Popen([sys.executable, "-c", BUILD, str(cache), str(source)])
    wait_until(
        lambda: (cache / "building").exists() and any((cache / "building").iterdir()),
        what="the build has begun",
    )
    process.kill()
    process.wait()
    assert run(Builder(toolchain, cache).build(Recipe(source=source)), "--help").returncode == 0


def test_what_a_killed_build_left_is_gone_after_the_next(
    builder: Builder, cache: Path, tmp_path: Path
) -> None:
    left = cache / "building" / "1-dead"
    left.mkdir(parents=True)
    then = time.time() - 3600
    os.utime(left, (then, then))
    builder.build(Recipe(source=write(tmp_path / "src")))
    assert not left.exists()


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB: enough to compile a program, not to link its loader."""
    need_root()
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        absent("may not mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_said_whichever_step_it_stops(
    toolchain: Toolchain, tiny_disk: Path, tmp_path: Path
) -> None:
    builder = Builder(toolchain, tiny_disk / "cache")
    problem = refusal(builder, write(tmp_path / "src"))
    # A tool that fails shows its own words and the hint; a write of ours is the problem itself.
    assert "full" in problem.what or "KiB are free where builds are kept" in problem.hint
    assert "XDG_CACHE_HOME" in problem.hint
    assert list((tiny_disk / "cache" / "building").iterdir()) == []


def test_the_environment_does_not_matter(
    builder: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write(tmp_path / "src")
    (tmp_path / "wrong" / "bpf").mkdir(parents=True)
    (tmp_path / "wrong" / "bpf" / "bpf_helpers.h").write_text("#error wrong\n")
    monkeypatch.setenv("CPATH", str(tmp_path / "wrong"))
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert builder.build(Recipe(source=source)).loader.exists()


def test_the_inspector_is_built_once(builder: Builder) -> None:
    first, second = builder.inspector(), builder.inspector()
    assert first == second
    assert os.access(first.path, os.X_OK)


def test_what_later_versions_of_libbpf_have_is_there(builder: Builder, tmp_path: Path) -> None:
    text = """\
#include <vmlinux.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

extern void bpf_rcu_read_lock(void) __ksym __weak;
static __always_inline long sixth(struct pt_regs *regs) { return PT_REGS_PARM6_CORE_SYSCALL(regs); }
char LICENSE[] SEC("license") = "GPL";

SEC("uprobe")
int BPF_UPROBE(begins, size_t size)
{
	return bpf_ksym_exists(bpf_rcu_read_lock) ? sixth(ctx) : size;
}

SEC("uretprobe")
int BPF_URETPROBE(ends, void *result)
{
	return !result;
}
"""
    found = builder.build(Recipe(source=write(tmp_path / "src", text))).description.functions
    assert [each.name for each in found] == ["begins", "ends"]


def test_the_kernels_types_beside_the_source_come_first(builder: Builder, tmp_path: Path) -> None:
    text = PLAIN.replace('"vmlinux.h"', "<vmlinux.h>").replace("void *ctx", "struct mine *ctx")
    source = write(tmp_path / "src", text)
    own = "typedef unsigned int __u32; typedef unsigned long long __u64; struct mine { int x; };\n"
    (source.parent / "vmlinux.h").write_text(f"#include <linux/bpf.h>\n{own}")
    assert builder.build(Recipe(source=source)).warnings == ""
