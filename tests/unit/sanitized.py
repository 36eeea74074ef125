"""The runtime's pure parts as a program, built with the address and undefined-behaviour checks."""

import subprocess
from pathlib import Path

from tests.tools import need

ROOT = Path(__file__).parents[2]
RUNTIME = ROOT / "fleetbpf" / "runtime"
DRIVER = ROOT / "tests" / "cases" / "runtime" / "driver.c"

FLAGS = ("-std=gnu11", "-D_GNU_SOURCE", "-g", "-O1", "-Wall", "-Wextra", "-Werror")
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")


def compile_objects(folder: Path) -> tuple[Path, ...]:
    """The runtime's objects with the checks, in `folder`."""
    need("gcc")
    sources = sorted(path for path in RUNTIME.glob("*/*.c") if path.name != "inspector.c")
    command = ["gcc", *FLAGS, *SANITIZERS, "-I", str(RUNTIME), "-c", *map(str, sources)]
    subprocess.run(command, cwd=folder, check=True)
    return tuple(folder / f"{source.stem}.o" for source in sources)


def link_driver(folder: Path, objects: tuple[Path, ...], encoder: str = "") -> Path:
    """The driver; `encoder` is the text of a header that defines encode_it."""
    defined = []
    if encoder:
        (folder / "encoder.h").write_text(encoder)
        defined = ['-DENCODER="encoder.h"', "-Wno-unused-function"]
    driver = folder / "driver"
    folders = ("-I", RUNTIME, "-I", folder)
    inputs = (DRIVER, *objects, "-lbpf", "-lelf", "-lz")
    words = ("gcc", *FLAGS, *SANITIZERS, *defined, *folders, "-o", driver, *inputs)
    subprocess.run([str(word) for word in words], check=True)
    return driver


def ask(driver: Path, *words: str | Path, stdin: bytes = b"") -> bytes:
    """What the driver prints; it must end well, so no check may have found anything."""
    done = subprocess.run([driver, *words], input=stdin, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout
