"""What the attacks share: builds, the runtime as a program, shells, an end to what hangs."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleetbpf.build.build import Builder
from fleetbpf.build.toolchain import Toolchain
from tests.integration.conftest import layout, run
from tests.tools import need
from tests.unit.sanitized import compile_objects, link_driver

__all__ = ["layout", "run"]

PATIENCE = 60  # seconds: a test that takes longer hangs


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("driver")
    return link_driver(folder, compile_objects(folder))


@pytest.fixture(scope="session")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Builder:
    """One whose runtime is compiled already."""
    need("clang", "bpftool", "cc")
    built = Builder(Toolchain.find(), tmp_path_factory.mktemp("cache") / "build")
    built._runtime()
    return built


@pytest.fixture
def patience() -> Iterator[None]:
    """Ends a test that hangs, as an error."""

    def over(*_: object) -> None:
        raise TimeoutError(f"not finished after {PATIENCE} s")

    before = signal.signal(signal.SIGALRM, over)
    signal.alarm(PATIENCE)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for what one test compiles."""
    return tmp_path
