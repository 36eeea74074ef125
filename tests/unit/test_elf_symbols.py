"""Functions in programs and libraries, found under the sanitizers, whatever their owner wrote."""

import errno
import os
import random
import subprocess
from pathlib import Path

import pytest

from tests.tools import need
from tests.unit.sanitized import ask, compile_objects, link_driver

SOURCE = Path(__file__).parents[1] / "kernel" / "programs" / "versions.c"
MAP = "V1 { global: f; left; }; V2 { global: f; chosen; local: *; } V1;\n"


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("driver")
    return link_driver(folder, compile_objects(folder))


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    need("gcc", "nm")
    folder = tmp_path_factory.mktemp("library")
    (folder / "map").write_text(MAP)
    flags = ("-O1", "-shared", "-fPIC", f"-Wl,--version-script={folder / 'map'}")
    subprocess.run(["gcc", *flags, "-o", folder / "versions.so", SOURCE], check=True)
    return folder / "versions.so"


def test_each_version_lies_where_nm_has_it(driver: Path, library: Path) -> None:
    command = ["nm", "--dynamic", "--defined-only", "--with-symbol-versions", str(library)]
    said = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    there = {words[2]: int(words[0], 16) for words in map(str.split, said.splitlines())}
    for name in ("f@V1", "f@@V2", "left@V1"):
        assert int(ask(driver, "function", library, name), 16) == there[name]
    assert int(ask(driver, "function", library, "f"), 16) == there["f@@V2"]
    assert int(ask(driver, "function", library, "f@V2"), 16) == there["f@@V2"]
    assert int(ask(driver, "function", library, "left"), 16) == there["left@V1"]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("f@@V1", errno.ENOENT),
        ("f@V", errno.ENOENT),
        ("f@", errno.ENOENT),
        ("@V1", errno.ENOENT),
        ("", errno.ENOENT),
        ("chosen", errno.ENOTSUP),
    ],
)
def test_what_cannot_be_found_is_told(driver: Path, library: Path, name: str, error: int) -> None:
    assert int(ask(driver, "function", library, name)) == -error


def test_a_file_that_is_damaged_anywhere_does_no_harm(
    driver: Path, library: Path, tmp_path: Path
) -> None:
    chance, whole = random.Random(5), library.read_bytes()
    for _ in range(int(os.environ.get("MUTATIONS", "100"))):
        content = bytearray(whole[: chance.choice((len(whole), chance.randrange(len(whole))))])
        for _ in range(chance.randrange(1, 40)):
            # Headers and symbols, where it matters, are at both ends.
            place = chance.choice((chance.randrange(0x1000), -chance.randrange(1, 0x1000)))
            if -len(content) <= place < len(content):
                content[place] = chance.choice((0, 1, 0x7F, 0xFF, chance.randrange(256)))
        (tmp_path / "damaged").write_bytes(content)
        ask(driver, "function", tmp_path / "damaged", "f")


@pytest.mark.parametrize("number", [*range(4000, 4014), 524])
def test_each_error_number_of_libbpf_has_words(driver: Path, number: int) -> None:
    assert b"Unknown error" not in ask(driver, "error", str(number))


@pytest.mark.parametrize("number", [3999, 4014, 2])
def test_other_error_numbers_are_those_of_the_system(driver: Path, number: int) -> None:
    assert ask(driver, "error", str(number)).decode().strip() == os.strerror(number)
