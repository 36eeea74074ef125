"""Uprobes on functions that a library has in several versions."""

import ctypes
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kernel.conftest import Build, Start
from tests.tools import need

SOURCE = Path(__file__).parent / "programs" / "versions.c"
MAP = "V1 { global: f; left; }; V2 { global: f; chosen; local: *; } V1;\n"
CALLS = {"new": ("f", "V2"), "old": ("f", "V1"), "gone": ("left", "V1")}


@pytest.fixture(params=["whole", "stripped"])
def library(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A library with `f` in two versions, with its local symbols or without."""
    need("gcc", "strip")
    made = tmp_path / "libversions.so.1"
    (tmp_path / "map").write_text(MAP)
    flags = ("-O1", "-shared", "-fPIC", f"-Wl,--version-script={tmp_path / 'map'}")
    subprocess.run(["gcc", *flags, "-o", made, SOURCE], check=True)
    if request.param == "stripped":
        subprocess.run(["strip", made], check=True)
    return made


def versioned(library: Path, name: str, version: str) -> Callable[[], int]:
    """A function of a library, in one of its versions."""
    libc, opened = ctypes.CDLL(None), ctypes.CDLL(str(library))
    libc.dlvsym.restype = ctypes.c_void_p
    libc.dlvsym.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p)
    address = libc.dlvsym(opened._handle, name.encode(), version.encode())
    assert address
    return ctypes.CFUNCTYPE(ctypes.c_int)(address)


@pytest.mark.parametrize(
    ("symbol", "called"),
    [
        ("f", "new"),
        ("f@@V2", "new"),
        ("f@V2", "new"),
        ("f@V1", "old"),
        ("left", "gone"),
        ("left@V1", "gone"),
    ],
)
def test_the_version_that_is_meant_is_probed(
    start: Start, library: Path, symbol: str, called: str
) -> None:
    loader = start("anywhere", "--attach", f"on_function=uprobe/{library}:{symbol}")
    for call in CALLS.values():
        versioned(library, *call)()
    assert loader.stop() == 0
    assert loader.texts() == ["called"]
    loader = start("anywhere", "--attach", f"on_function=uprobe/{library}:{symbol}")
    versioned(library, *CALLS[called])()
    loader.stop()
    assert loader.texts() == ["called"]


@pytest.mark.parametrize(
    ("symbol", "reason"),
    [
        ("f@@V1", "the file has no such function"),
        ("f@V3", "the file has no such function"),
        ("g", "the file has no such function"),
        ("chosen", "which function that is each process decides when it begins (IFUNC)"),
    ],
)
def test_a_version_that_cannot_be_probed_is_told_with_its_reason(
    build: Build, library: Path, symbol: str, reason: str
) -> None:
    command = [str(build("anywhere")), "--attach", f"on_function=uprobe/{library}:{symbol}"]
    done = subprocess.run(command, capture_output=True, check=False, text=True, timeout=60)
    assert done.returncode == 1
    assert reason in done.stderr
    assert "Unknown error" not in done.stderr


def test_two_functions_of_one_name_are_told_apart_by_their_address_only(
    build: Build, tmp_path: Path
) -> None:
    need("gcc")
    body = "__attribute__((noinline)) static int twice(int n) {{ return n * {0} + 1; }}\n"
    user = "int use{0}(int n) {{ return twice(n) + twice(n + 1); }}\n"
    for number in ("3", "5"):
        (tmp_path / f"{number}.c").write_text((body + user).format(number))
    made = tmp_path / "libtwice.so"
    sources = (tmp_path / "3.c", tmp_path / "5.c")
    subprocess.run(["gcc", "-O1", "-shared", "-fPIC", "-o", made, *sources], check=True)
    command = [str(build("anywhere")), "--attach", f"on_function=uprobe/{made}:twice"]
    done = subprocess.run(command, capture_output=True, check=False, text=True, timeout=60)
    assert "the file has several such functions" in done.stderr


@pytest.mark.parametrize("content", [b"", b"#!/bin/sh\n", b"\x7fELF" + bytes(200)])
def test_a_file_that_is_no_elf_file_is_told(build: Build, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "odd").write_bytes(content)
    command = [str(build("anywhere")), "--attach", f"on_function=uprobe/{tmp_path}/odd:f"]
    done = subprocess.run(command, capture_output=True, check=False, text=True, timeout=60)
    assert "it is no ELF file, or a damaged one" in done.stderr
