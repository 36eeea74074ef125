"""Crafted objects: their names never become C, and what is in them always ends."""

import struct
from pathlib import Path

import pytest

from fleetbpf.build.build import Builder
from fleetbpf.model.recipe import DesiredEvent, EventCase, Recipe
from tests.hostile.objects import compiled, itself, patched, refusal, renamed

FUNCTION = 'SEC("tracepoint/syscalls/sys_enter_openat") int f(void *ctx) { %s return 0; }\n'
MAP = """
struct { __uint(type, %d); __uint(max_entries, 4096); %s } %s SEC(".maps");
"""
HASH = (1, "__type(key, u32); __type(value, u64);")
FORGED = (
    b"x;\nstatic const void *evil__elf_bytes(unsigned long *sz)\n{\n  int system(const char *);\n"
    b'  system("id");\n  *sz = 0;\n  return "";\n}\n'
)

pytestmark = pytest.mark.usefixtures("patience")


def with_map(folder: Path, name: str, kind: int = HASH[0], types: str = HASH[1]) -> Path:
    use = f"u32 key = 0; lookup(&{name}, &key);"
    return compiled(folder, MAP % (kind, types, name) + FUNCTION % use)


def test_an_honest_object_is_built_and_its_loader_holds_it(builder: Builder, folder: Path) -> None:
    made = builder.build(Recipe(source=with_map(folder, "counts")))
    assert made.object.read_bytes() in made.loader.read_bytes()


@pytest.mark.parametrize("name", [FORGED, b"a b", b"a-b", b"9lives", b"a\x1bb", b'a"b', b"a;b"])
def test_a_map_whose_name_is_no_identifier_is_refused(
    builder: Builder, folder: Path, name: bytes
) -> None:
    plain = "M" * len(name)
    problem = refusal(builder, renamed(with_map(folder, plain), plain, name))
    assert problem.where == "evil.yml:3:5"
    assert problem.what.startswith("evil.o has a ")
    assert "\n" not in problem.what


def test_a_ring_whose_name_declares_something_is_refused(builder: Builder, folder: Path) -> None:
    code = b"r[1];int evil(void){return 1;}int x"
    plain = "R" * len(code)
    types = "__type(value, struct { u32 kind; });"
    made = compiled(
        folder,
        "struct event { u32 kind; }; struct event unused;\n"
        + MAP % (27, types, plain)
        + FUNCTION % f"u32 key = 0; lookup(&{plain}, &key);",
    )
    cases = (EventCase(value="1", struct="event"),)
    wish = DesiredEvent(ring=code.decode(), by="kind", cases=cases)
    assert "which is no C identifier" in refusal(builder, renamed(made, plain, code), (wish,)).what


@pytest.mark.parametrize(
    ("text", "name", "other"),
    [
        ("const volatile u32 limit = 7;" + FUNCTION % "return limit;", "limit", b"li\nit"),
        (
            'const volatile u32 limit SEC(".rodata.mine") = 7;' + FUNCTION % "return limit;",
            ".rodata.mine",
            b".rodata.m;ne",
        ),
        (FUNCTION.replace(" f(", " function(") % "", "function", b"func*/on"),
        (FUNCTION % "", "sys_enter_openat", b"sys_enter\nopenat"),
        ("enum c { RED }; const volatile enum c e = 1;" + FUNCTION % "return e;", "RED", b"R\rD"),
        (
            "struct s { int ab; }; const volatile struct s e;" + FUNCTION % "return e.ab;",
            "ab",
            b"a'",
        ),
    ],
    ids=["constant", "data section", "function", "section", "enumerator", "member"],
)
def test_any_other_name_that_no_compiler_writes_is_refused(
    builder: Builder, folder: Path, text: str, name: str, other: bytes
) -> None:
    made = compiled(folder, text)
    content = made.read_bytes()
    made.write_bytes(content.replace(b"\0" + name.encode() + b"\0", b"\0" + other + b"\0"))
    if made.read_bytes() == content:
        made.write_bytes(content.replace(name.encode(), other))
    assert refusal(builder, made).what.startswith("evil.o has a ")


def test_a_source_cannot_forge_a_name_through_its_assembler(builder: Builder, folder: Path) -> None:
    source = folder / "evil.bpf.c"
    source.write_text(
        '#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\nchar LICENSE[] SEC("license") = '
        '"GPL";\nSEC("raw_tp/sys_enter") int f(void *ctx) asm("f\\n;system()");\n'
        'SEC("raw_tp/sys_enter") int f(void *ctx) { return 0; }\n'
    )
    refusal(builder, source)


TYPES = {
    "typedef": (8, "typedef u32 mine; const volatile mine limit = 1;"),
    "qualifier": (9, "const volatile u32 limit = 1;"),
    "array": (3, "const volatile u32 limit[4] = {1};"),
    "pointer": (2, "const volatile u32 limit = 1; u32 *where;"),
}


@pytest.mark.parametrize("kind", TYPES)
def test_a_type_that_is_made_of_itself_is_refused(
    builder: Builder, folder: Path, kind: str
) -> None:
    number, text = TYPES[kind]
    use = "return (u64)where;" if kind == "pointer" else "return *(volatile u32 *)&limit;"
    made = compiled(folder, text + FUNCTION % use)
    at = 12 if kind == "array" else 8
    assert "made of itself" in refusal(builder, patched(made, number, itself, at)).what


def test_a_struct_that_holds_itself_is_refused(builder: Builder, folder: Path) -> None:
    text = (
        "struct s { u32 a; }; const volatile struct s limit = {1};" + FUNCTION % "return limit.a;"
    )
    made = patched(compiled(folder, text), 4, itself, at=16)
    assert "made of itself" in refusal(builder, made).what


def test_a_struct_smaller_than_its_members_is_refused(builder: Builder, folder: Path) -> None:
    text = "struct s { u64 a, b; }; const volatile struct s limit = {1};"
    made = compiled(folder, text + FUNCTION % "return limit.b;")
    small = patched(made, 4, lambda _: struct.pack("<I", 4))
    assert "smaller than its members" in refusal(builder, small).what


def test_unions_that_double_at_each_step_are_refused(builder: Builder, folder: Path) -> None:
    unions = "union u0 { u32 a; };\n" + "".join(
        f"union u{n} {{ union u{n - 1} l; union u{n - 1} r; }};\n" for n in range(1, 40)
    )
    use = FUNCTION % "return *(volatile u32 *)&limit;"
    made = compiled(folder, f"{unions}const volatile union u39 limit;{use}")
    assert "made of too much" in refusal(builder, made).what


def test_an_array_of_nothing_is_not_counted_one_by_one(builder: Builder, folder: Path) -> None:
    types = "__type(key, u32); __type(value, struct { struct {} nothing[0x7fffffff]; u64 n; });"
    made = builder.build(Recipe(source=with_map(folder, "counts", 5, types)))
    assert made.description.maps[0].name == "counts"


@pytest.mark.parametrize("name", [".BTF", "license"])
def test_a_section_that_is_there_twice_is_refused(
    builder: Builder, folder: Path, name: str
) -> None:
    other = "x" * len(name)
    text = f'char other[] SEC("{other}") = "GPL";' + FUNCTION % ""
    made = renamed(compiled(folder, text), f"\0{other}\0", b"\0" + name.encode() + b"\0")
    assert "two sections called" in refusal(builder, made).what


def test_an_object_too_large_to_be_one_is_not_read(builder: Builder, folder: Path) -> None:
    made = compiled(folder, FUNCTION % "")
    with made.open("r+b") as file:
        file.truncate(1 << 40)
    assert refusal(builder, made).what == "evil.o is larger than 64 MiB"
