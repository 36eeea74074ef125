"""Tools that a source keeps at work end: at their limits, at the time-out, and at Ctrl-C."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleetbpf.build.build import Builder
from fleetbpf.execution.command import Command
from fleetbpf.execution.local import LocalConnection
from tests.hostile.objects import refusal
from tests.waiting import wait_until

LEVELS = 12
BOMB = (
    "#define A0 1,1,1,1,1,1,1,1\n"
    + "".join(f"#define A{n} {','.join([f'A{n - 1}'] * 8)}\n" for n in range(1, LEVELS))
    + f"int x[] = {{ A{LEVELS - 1} }};\n"
)
HUGE = "char x[1 << 30] = {1};\n"
# Each level is expanded in the one above it, and gives nothing: time, and no memory.
SLOW = "#define E0\n" + "".join(
    f"#define E{n} {' '.join([f'E{n - 1}'] * 16)}\n" for n in range(1, 12)
)
SLOW += "E11\n"

pytestmark = pytest.mark.usefixtures("patience")


def written(folder: Path, text: str) -> Path:
    source = folder / "bomb.bpf.c"
    source.write_text(text)
    return source


@pytest.mark.parametrize("text", [BOMB, HUGE], ids=["memory", "file"])
def test_a_source_that_takes_too_much_is_given_up(
    builder: Builder, folder: Path, text: str
) -> None:
    problem = refusal(builder, written(folder, text))
    assert problem.what == "bomb.bpf.c does not compile"
    assert len(problem.detail) < 1000
    assert not list(Path(builder._cache.root).glob("**/*.core"))


def test_a_compiler_is_given_what_it_may_take() -> None:
    from fleetbpf.build import workbench

    with LocalConnection() as here:
        said = here.run(
            Command("sh", "-c", "sleep 0.3; ulimit -v; ulimit -t; ulimit -c; ulimit -f"),
            allowance=workbench.ALLOWANCE,
        )
    memory, processor, core, file = map(int, said.stdout.split())
    assert (memory, processor, core, file) == (2 << 20, 60, 0, (64 << 20) // 512)


@pytest.fixture
def at_work(builder: Builder, folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """A build of a source that never ends, in a process of its own, once its compiler runs."""
    source = written(folder, SLOW)
    (folder / "cache" / "fleetbpf").mkdir(parents=True)
    (folder / "cache" / "fleetbpf" / "build").symlink_to(builder._cache.root)
    process = subprocess.Popen(
        [sys.executable, "-m", "fleetbpf", "build", source],
        env={**os.environ, "XDG_CACHE_HOME": str(folder / "cache")},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_until(lambda: bool(compilers(source)), seconds=40, what="the compiler runs")
        yield process
    finally:
        process.kill()
        process.communicate()
        for left in compilers(source):
            os.kill(left, signal.SIGKILL)


def compilers(source: Path) -> list[int]:
    """The compilers that are at work on a source."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes().split(b"\0")
            cwd = (entry / "cwd").readlink()
            if f"./{source.name}".encode() in words and cwd == source.parent:
                found.append(int(entry.name))
    return found


def test_ctrl_c_ends_a_build_and_its_compiler_at_once(
    at_work: "subprocess.Popen[str]", folder: Path
) -> None:
    at_work.send_signal(signal.SIGINT)
    assert at_work.wait(60) == 130  # the compiler itself may take twice as long
    wait_until(lambda: not compilers(folder / "bomb.bpf.c"), what="the killed compiler is gone")
