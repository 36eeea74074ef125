"""The build key: everything that matters changes it, and nothing else does."""

from dataclasses import replace
from pathlib import Path

import pytest

from fleetbpf.build import build_key
from fleetbpf.build.compilation import HEADERS, PACKAGE
from fleetbpf.build.includes import Included
from fleetbpf.build.toolchain import Toolchain
from fleetbpf.model.architecture import Architecture
from fleetbpf.model.recipe import DesiredEvent, EventCase, FieldHint, Recipe

TOOLS = Toolchain(
    architecture=Architecture.X86_64,
    clang=Path("/usr/bin/clang"),
    bpftool=Path("/usr/sbin/bpftool"),
    cc=Path("/usr/bin/cc"),
    libraries=("-lbpf", "-lelf", "-lz"),
    include_folders=(Path("/usr/include"),),
    extra_folders=(),
    identities=("clang 14.0 of Debian", "libbpf.a 00ff"),
)
OURS = {"fleetbpf's generator": "1", "fleetbpf's runtime": "2"}
PLATFORM = build_key.platform_inputs(TOOLS, OURS)


def included(folder: str, content: str = "1") -> Included:
    return Included(
        files=(
            (Path(folder) / "hello.bpf.c", content),
            (Path(folder) / "sub" / "own.h", "2"),
            (Path(folder) / ".." / "common" / "x.h", "5"),
            (HEADERS / "x86_64" / "vmlinux.h", "3"),
            (Path("/usr/include/bpf/bpf_helpers.h"), "4"),
        ),
        missed=(),
    )


def inputs(recipe: Recipe, found: Included, tools: Toolchain = TOOLS) -> build_key.Inputs:
    return build_key.program_inputs(recipe, found, tools, PLATFORM)


def key(
    folder: str = "/a/src",
    content: str = "1",
    program: str = "hello",
    events: tuple[DesiredEvent, ...] = (),
) -> str:
    recipe = Recipe(source=Path(folder) / f"{program}.bpf.c", events=events)
    return build_key.program_key(inputs(recipe, included(folder, content)))


def test_a_key_is_64_hex_digits() -> None:
    assert len(key()) == 64
    assert int(key(), 16)


@pytest.mark.parametrize(
    "event",
    [
        DesiredEvent(ring="r"),
        DesiredEvent(ring="r", struct="s"),
        DesiredEvent(ring="r", by="b", cases=(EventCase(value="1", struct="s"),)),
        DesiredEvent(ring="r", fields=(FieldHint(path="f", hint="ipv4"),)),
        DesiredEvent(ring="r", fields=(FieldHint(path="f", hint="hex"),)),
    ],
)
def test_what_events_are_asked_for_matters(event: DesiredEvent) -> None:
    assert key(events=(event,)) not in (key(), key(events=(replace(event, ring="other"),)))


def test_where_a_manifest_asks_for_an_event_does_not_matter() -> None:
    one, other = (DesiredEvent(ring="r", where=where) for where in ("a.yml:1:1", "b.yml:2:2"))
    assert key(events=(one,)) == key(events=(other,))


def test_the_folder_of_the_source_does_not_matter() -> None:
    assert key("/a/src") == key("/somewhere/else")


def test_the_content_of_an_included_file_matters() -> None:
    assert key(content="1") != key(content="9")


def test_the_name_of_the_program_matters_because_the_loader_says_it() -> None:
    assert key(program="hello") != key(program="other")


def test_the_folders_of_the_tools_do_not_matter() -> None:
    elsewhere = replace(TOOLS, clang=Path("/opt/clang"), include_folders=(Path("/opt/include"),))
    assert build_key.platform_inputs(elsewhere, OURS) == PLATFORM


def test_the_folder_of_a_sysroot_does_not_matter() -> None:
    def key_in(root: str) -> str:
        header = Path(root) / "usr" / "include" / "bpf" / "bpf_helpers.h"
        tools = replace(TOOLS, sysroot=Path(root))
        found = Included(files=((header, "4"),), missed=())
        return build_key.program_key(inputs(Recipe(source=Path("/a/x.bpf.c")), found, tools))

    assert key_in("/home/ann/.cache/s") == key_in("/srv/cache/s")


@pytest.mark.parametrize(
    "other",
    [
        replace(TOOLS, identities=("clang 15", "libbpf.a 00ff")),
        replace(TOOLS, libraries=("-lbpf", "-lelf", "-lzstd", "-lz")),
        replace(TOOLS, architecture=Architecture.ARM64),
    ],
)
def test_the_versions_of_the_tools_matter(other: Toolchain) -> None:
    assert build_key.platform_inputs(other, OURS) != PLATFORM


def test_our_own_code_matters() -> None:
    other = {**OURS, "fleetbpf's runtime": "3"}
    assert build_key.platform_inputs(TOOLS, other) != PLATFORM


def test_our_own_code_is_all_there() -> None:
    for name in build_key.GENERATOR:
        assert (PACKAGE / name).exists(), name


def test_each_input_has_a_name_and_a_short_digest_after_its_version() -> None:
    header = "5" * 64
    found = Included(files=((Path("/a/x.bpf.c"), "4" * 64), (Path("/a/x.h"), header)), missed=())
    told = build_key.brief(inputs(Recipe(source=Path("/a/x.bpf.c")), found))
    assert told["source x.bpf.c"] == "4" * 12
    assert told["header x.h"] == "5" * 12
    assert told["clang"] == "14.0 " + build_key.combine("14.0 of Debian")[:12]


def test_headers_of_one_name_both_matter() -> None:
    def told(second: str) -> build_key.Inputs:
        first, other = Path("/usr/include/linux/types.h"), Path("/usr/include/asm/types.h")
        files = ((Path("/a/x.bpf.c"), "1"), (first, "2"), (other, second))
        return inputs(Recipe(source=Path("/a/x.bpf.c")), Included(files=files, missed=()))

    assert told("3")["header types.h"] != told("4")["header types.h"]


def test_texts_are_told_apart_by_their_borders() -> None:
    assert build_key.combine("ab", "c") != build_key.combine("a", "bc")
