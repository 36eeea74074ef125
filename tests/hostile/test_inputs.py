"""A source reads nothing but its project, and what it reads is in the build key."""

import os
import time
from pathlib import Path

import pytest

from fleetbpf.build.build import Builder
from fleetbpf.model.recipe import Recipe
from tests.hostile.objects import refusal

SECRET = "FLEET-SECRET-4711"
HEAD = """\
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
"""
FUNCTION = 'SEC("raw_tp/sys_enter") int f(void *ctx) { return 0; }\n'
ASSEMBLED = 'asm(".section .rodata,\\"a\\"\\n%s\\n.text");\n'
DISGUISED = '.macro m a b\\n.\\\\a\\\\b \\"%s\\"\\n.endm\\nm inc bin'
READING = {
    "an include": '#include "%s"\n',
    "one behind a macro": '#define NAME "%s"\n#include NAME\n',
    "one over two lines": '#inc\\\nlude "%s"\n',
    "one that is asked for first": '#if __has_include("%s")\n#include "%s"\n#endif\n',
    "bytes for the assembler": ASSEMBLED % '.incbin \\"%s\\"',
    "text for the assembler": ASSEMBLED % '.include \\"%s\\"',
    "bytes by a macro of the assembler": ASSEMBLED % DISGUISED,
    "bytes within a function": 'SEC("raw_tp/x") int g(void *ctx) '
    '{ asm volatile(".pushsection .rodata\\n.incbin \\"%s\\"\\n.popsection"); return 0; }\n',
    "bytes that C23 embeds": '#ifdef __has_embed\nconst char bytes[] = {\n#embed "%s"\n};\n'
    '#else\n#include "%s"\n#endif\n',
    "lines for the verifier's log": '#line 1 "%s"\n' + FUNCTION.replace(" f(", " h("),
}

pytestmark = pytest.mark.usefixtures("patience")


@pytest.fixture
def project(folder: Path) -> Path:
    """A folder for sources, beside one with a secret."""
    for name in ("project", "home"):
        (folder / name).mkdir()
    (folder / "home" / "key").write_text(f"{SECRET}\nint x;\n")
    return folder / "project"


def written(project: Path, text: str) -> Path:
    source = project / "evil.bpf.c"
    source.write_text(HEAD + text + FUNCTION)
    return source


def naming(text: str, path: str) -> str:
    return text.replace("%s", path)


@pytest.mark.parametrize("how", READING)
@pytest.mark.parametrize("path", ["absolute", "upwards", "link", "hidden", "folder link"])
def test_what_lies_outside_of_the_project_is_not_read(
    builder: Builder, project: Path, how: str, path: str
) -> None:
    key = project.parent / "home" / "key"
    match path:
        case "absolute":
            name = str(key)
        case "upwards":
            name = "../home/key"
        case "link":
            (project / "own.h").symlink_to(key)
            name = "own.h"
        case "folder link":
            (project / "own").symlink_to(key.parent)
            name = "own/key"
        case _:
            (project / ".ssh").mkdir()
            key = key.rename(project / ".ssh" / "id")
            name = ".ssh/id"
    problem = refusal(builder, written(project, naming(READING[how], name)))
    assert problem.where == "evil.yml:3:5"
    assert problem.what == f"evil.bpf.c reads {key}, which lies outside of its project"
    assert "header_folders" in problem.hint
    assert SECRET not in f"{problem}"


@pytest.mark.parametrize("path", ["/etc/passwd", "/proc/self/environ", "/proc/self/maps"])
def test_nothing_of_a_refused_file_is_shown(builder: Builder, project: Path, path: str) -> None:
    problem = refusal(builder, written(project, f'#include "{path}"\n'))
    assert problem.what.startswith("evil.bpf.c reads /")
    assert problem.detail == ""


def test_a_source_that_is_a_link_to_elsewhere_is_not_read(builder: Builder, project: Path) -> None:
    source = project / "evil.bpf.c"
    source.symlink_to(project.parent / "home" / "key")
    problem = refusal(builder, source)
    assert "lies outside of its project" in problem.what
    assert SECRET not in f"{problem}"


@pytest.mark.parametrize("how", ["an include", "bytes for the assembler"])
def test_what_is_no_plain_file_is_not_read(builder: Builder, project: Path, how: str) -> None:
    os.mkfifo(project / "pipe")
    started = time.monotonic()
    problem = refusal(builder, written(project, naming(READING[how], "pipe")))
    assert problem.what == f"evil.bpf.c reads {project / 'pipe'}, which is no plain file"
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/urandom", "/dev/full"])
def test_a_device_is_not_read(builder: Builder, project: Path, device: str) -> None:
    started = time.monotonic()
    refusal(builder, written(project, f'#include "{device}"\n'))
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("how", ["bytes for the assembler", "lines for the verifier's log"])
def test_what_only_the_assembler_reads_is_in_the_key(
    builder: Builder, project: Path, how: str
) -> None:
    (project / "data.txt").write_text("one\n")
    source = written(project, naming(READING[how], "data.txt"))
    first = builder.build(Recipe(source=source))
    assert any("data.txt" in name for name in first.inputs)
    (project / "data.txt").write_text("two\n")
    second = builder.build(Recipe(source=source))
    assert second.key != first.key
    assert not second.cached


def test_what_was_asked_for_and_not_found_is_noticed_when_it_comes(
    builder: Builder, project: Path
) -> None:
    (project / "own.h").write_text(
        '#define NAME "late.h"\n#if __has_include(NAME)\n#error\n#endif\n'
    )
    source = written(project, '#include "own.h"\n')
    builder.build(Recipe(source=source))
    (project / "late.h").write_text("")
    assert refusal(builder, source).what == "evil.bpf.c does not compile"


def test_a_project_is_the_folder_of_the_manifest(builder: Builder, project: Path) -> None:
    (project / "common.h").write_text("#define ZERO 0\n")
    (project / "sub").mkdir()
    source = written(project / "sub", '#include "../common.h"\n')
    with pytest.raises(Exception, match="lies outside of its project"):
        builder.build(Recipe(source=source))
    builder.build(Recipe(source=source, project=project))
    # What was allowed once is not allowed to others.
    with pytest.raises(Exception, match="lies outside of its project"):
        builder.build(Recipe(source=source))


def test_a_folder_that_is_declared_may_be_read(builder: Builder, project: Path) -> None:
    shared = project.parent / "shared"
    shared.mkdir()
    (shared / "common.h").write_text("#define ZERO 0\n")
    source = written(project, f'#include "{shared}/common.h"\n')
    assert "lies outside" in refusal(builder, source).what
    other = Builder(builder._toolchain, builder._cache.root, header_folders=(shared,))
    assert other.build(Recipe(source=source)).loader.exists()
    assert "lies outside" in refusal(builder, source).what
