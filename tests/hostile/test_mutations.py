"""Objects that are changed at random: their loader can be written, or they are refused."""

import random
import struct
from pathlib import Path

import pytest

from fleetbpf import elf, loader_source, refusals
from fleetbpf.errors import BuildError
from fleetbpf.model.recipe import Recipe
from tests.hostile.objects import compiled

PROGRAM = """
enum color { RED = -1, GREEN = 7 };
typedef enum color paint;
struct inner { u32 low : 3; int high : 29; union { u64 whole; char text[8]; }; };
struct event { struct inner in[2]; paint p; struct event *next; unsigned char tail[]; };
struct event *unused;
const volatile struct inner limits = {};
const volatile paint choice = GREEN;
struct { __uint(type, 27); __uint(max_entries, 4096); __type(value, struct event); } r SEC(".maps");
struct {
	__uint(type, 5); __uint(max_entries, 8); __type(key, u32); __type(value, struct inner);
} counts SEC(".maps");
static long (*signal)(u32) = (void *)109;
__attribute__((noinline)) static long g(void *ctx) { return signal(9) + limits.high; }
SEC("uprobe") int f(void *ctx)
{
	u32 key = choice;

	return lookup(&counts, &key) ? g(ctx) : (long)lookup(&r, &unused);
}
"""
WORDS = (0, 1, 0xFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 8, 0x10000)
ROUNDS = 40  # of a few changes, for each part

pytestmark = pytest.mark.usefixtures("patience")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return compiled(tmp_path_factory.mktemp("whole"), PROGRAM).read_bytes()


def changed(content: bytes, part: str, chance: random.Random) -> bytes:
    """The object with some words, bytes or lengths of a part of it changed."""
    section = elf.parse(content).section(part) if part else None
    start = content.index(section.content) if section and section.content else 0
    size = len(section.content) if section else len(content)
    mutated = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 4))):
        at = start + chance.randrange(size)
        match chance.randrange(4):
            case 0:
                mutated[at] = chance.randrange(256)
            case 1 if not section:
                del mutated[at : at + chance.randrange(1, 32)]
            case _:
                at &= ~3
                word = chance.choice((*WORDS, chance.randrange(64)))
                mutated[at : at + 4] = struct.pack("<I", word)
    return bytes(mutated)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("part", ["", ".BTF", ".BTF.ext", ".symtab", ".strtab", "uprobe", ".text"])
def test_a_mutated_object_is_read_or_refused(whole: bytes, part: str, seed: int) -> None:
    chance = random.Random(f"{part}{seed}")
    recipe = Recipe(source=Path("/evil.o"), where="evil.yml:3:5")
    for _ in range(ROUNDS):
        try:
            _, found = refusals.read(changed(whole, part, chance), recipe, ("event",))
        except BuildError:
            continue
        assert loader_source.render(found, (), "object.h", "key")
