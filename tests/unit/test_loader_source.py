"""The generated loader.c, and the object it includes."""

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path

from fleetbpf.build import loader_source
from fleetbpf.model import btf
from fleetbpf.model.description import (
    Constant,
    ConstantKind,
    Description,
    EventStruct,
    Function,
    Map,
    Ring,
)
from fleetbpf.model.recipe import DesiredEvent, EventCase
from tests.tools import need

CASES = Path(__file__).parents[1] / "cases" / "runtime"
RUNTIME = Path(__file__).parents[2] / "fleetbpf" / "runtime"

NUMBER = btf.Integer(name="unsigned int", size=4, bits=32, signed=False, boolean=False)
EVENT = btf.Struct(
    name="event",
    size=4,
    union=False,
    members=(
        btf.Member(name="pid", type=1, bit_offset=0, bit_size=0),
        btf.Member(name="rest", type=3, bit_offset=32, bit_size=0),
    ),
)

DESCRIPTION = Description(
    program="9-lives",
    functions=(Function(name="on_exec", section="tracepoint/sched/sched_process_exec"),),
    constants=(
        Constant(
            name="limit",
            section=".rodata",
            c_type="__u32",
            size=4,
            kind=ConstantKind.INTEGER,
            type=1,
        ),
    ),
    maps=(
        Map(
            name="counts",
            type=6,
            key_type=1,
            value_type=1,
            key_size=4,
            value_size=4,
            max_entries=8,
        ),
        Map(
            name="raw",
            type=1,
            key_type=None,
            value_type=None,
            key_size=4,
            value_size=40,
            max_entries=8,
        ),
        Map(
            name="ring",
            type=27,
            key_type=None,
            value_type=2,
            key_size=0,
            value_size=4,
            max_entries=4096,
        ),
    ),
    prints=True,
    needs_btf=False,
    types={0: btf.Void(), 1: NUMBER, 2: EVENT, 3: btf.Array(element=1, count=0)},
    rings=(Ring(name="ring", struct="event"),),
    events=(EventStruct(name="event", type=2, size=4, tail="rest"),),
)


def test_the_loader_reads_as_the_c_file_it_becomes() -> None:
    text = loader_source.render(DESCRIPTION, (), "object.h", "0" * 64)
    assert text == (CASES / "loader.c").read_text()


def test_the_loader_compiles_without_a_warning() -> None:
    need("gcc")
    flags = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-I", str(RUNTIME), "-fsyntax-only"]
    subprocess.run(["gcc", *flags, str(CASES / "loader.c")], check=True)


def test_a_program_without_tables_has_none() -> None:
    bare = Description(
        program="bare",
        functions=(),
        constants=(),
        maps=(),
        prints=False,
        needs_btf=True,
        types={0: btf.Void()},
    )
    text = loader_source.render(bare, (), "x.h", "k")
    assert "static const struct fb_program program = {" in text
    assert "fb_map" not in text
    assert "fb_ring" not in text
    assert ".needs_btf = true," in text


def test_describe_says_what_the_loader_was_made_from() -> None:
    described = loader_source.document(DESCRIPTION, "key")
    assert json.loads(json.dumps(described))["constants"][0]["kind"] == "integer"
    assert described["program"] == "9-lives"


def test_an_objects_bytes_are_escaped_whatever_they_are() -> None:
    header = loader_source.object_header(b'\x7fELF"\\\n??/')
    assert header.splitlines()[0] == "static const unsigned char object[10]"
    assert '"\\177\\105\\114\\106\\042\\134\\012\\077\\077\\057"' in header


def test_a_name_of_the_object_is_never_a_name_in_c() -> None:
    ring = Ring(name="evil[]; int x", struct="event")
    text = loader_source.render(
        replace(DESCRIPTION, rings=(ring,)),
        (DesiredEvent(ring=ring.name, by="pid", cases=(EventCase(value="1", struct="event"),)),),
        "object.h",
        "k",
    )
    assert "static const struct fb_case cases_0[] = {" in text
    assert "evil" not in re.sub(r'"(?:[^"\\]|\\.)*"', "", text)
