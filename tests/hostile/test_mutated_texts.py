"""Manifests and inventories that are changed at random: they are read, or refused with a reason."""

import os
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from fleetbpf import inventory, manifest, targets
from fleetbpf.errors import FleetbpfError

ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests" / "cases"
MANIFESTS = sorted((*ROOT.glob("examples/*.yml"), *CASES.glob("manifest/*/*.yml")))
INVENTORIES = sorted(
    file
    for file in CASES.glob("inventory/*/*")
    if file.suffix in {".yml", ".ini", ".json", ""} and file.is_file()
)
# What parsers, templates, patterns and numbers trip over.
WORDS = (
    *("&a ", "*a", "<<: *a", "{{ ", " }}", "{% for x in y %}", "{%", "%}", "{{ lookup('x') }}"),
    *(
        "!!python/object:os.system x",
        "!vault |",
        "? ",
        "- ",
        ": ",
        "|\n",
        ">\n",
        "[",
        "]",
        "{",
        "}",
    ),
    *("\0", "\r", "\u202e", "\ufeff", "\ud7ff", "\t", "'", '"', "#", "%h", "$(id)", "`id`", "\\"),
    *("~(a+)+$", "web[01:99999999]", "web[a:z]", "*", "!", ":&", "9" * 400, "-1", "1e999", "nan"),
    *(
        "yes",
        "null",
        "0x7fffffffffffffff",
        "../..",
        "/dev/zero",
        "x" * 5000,
        "ü",
        "🐝",
        "==",
        "[all:vars]",
    ),
)
EACH = int(os.environ.get("MUTATIONS", "300")) // 3  # of each seed; more at night
LONGEST = 30  # seconds for one text, on a busy machine; it takes some milliseconds
SEEDS = range(10)


def mutated(text: str, chance: random.Random) -> str:
    """The text with one to four changes: of lines, of characters, by words that mean something."""
    lines = text.split("\n")
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        at = chance.randrange(len(lines))
        match chance.randrange(7):
            case 0:
                del lines[at : at + chance.randrange(1, 4)]
                lines = lines or [""]
            case 1:
                lines.insert(at, lines[chance.randrange(len(lines))])
            case 2:
                lines[at] = " " * chance.randrange(9) + lines[at].lstrip()
            case 3:
                lines[at : at + 1] = [lines[at]] * chance.randrange(50)
                lines = lines or [""]
            case _:
                place = chance.randrange(len(lines[at]) + 1)
                cut = place + chance.choice((0, 0, 1, 3, 9))
                lines[at] = lines[at][:place] + chance.choice(WORDS) + lines[at][cut:]
    return "\n".join(lines)


def read_manifest(file: Path) -> None:
    """As `plan` does, before any host is contacted."""
    hosts = inventory.read("web1,web2,db[1:3],")
    targets.resolve(manifest.read(file), hosts)


def read_inventory(file: Path) -> None:
    """As every command does."""
    found = inventory.read(str(file))
    for host in found.hosts.values():
        repr(host)


@pytest.fixture
def watch() -> Iterator[Callable[[], object]]:
    """What is called before each text: one that is not read within `LONGEST` is an error."""

    def over(*_: object) -> None:
        raise TimeoutError(f"not read after {LONGEST} s")

    before = signal.signal(signal.SIGALRM, over)
    yield lambda: signal.alarm(LONGEST)
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("read", "originals"),
    [
        pytest.param(read_manifest, MANIFESTS, id="manifests"),
        pytest.param(read_inventory, INVENTORIES, id="inventories"),
    ],
)
def test_a_mutated_text_is_read_or_refused(
    read: Callable[[Path], None],
    originals: list[Path],
    seed: int,
    tmp_path: Path,
    watch: Callable[[], object],
) -> None:
    chance = random.Random(seed)
    for _ in range(EACH):
        original = chance.choice(originals)
        file = tmp_path / original.name  # stays after a failure
        text = mutated(original.read_text(errors="replace"), chance)
        file.write_bytes(text.encode(errors="surrogatepass"))
        watch()
        with suppress(FleetbpfError):
            read(file)
