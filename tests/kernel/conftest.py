"""Loading for real: the loaders of these tests run on the kernel of this machine."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fleetbpf.build.build import Builder
from fleetbpf.build.toolchain import Toolchain
from fleetbpf.model.recipe import DesiredEvent, Recipe
from tests.kernel.running import Loader
from tests.tools import absent, need, need_root
from tests.waiting import wait_until

HERE = Path(__file__).parent
TRACING = Path("/sys/kernel/tracing")
PINS = Path("/sys/fs/bpf")
SHIPPED = HERE.parents[1] / "programs"

Build = Callable[..., Path]
Start = Callable[..., Loader]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in Path(item.path).parents:
            item.add_marker("kernel")


@pytest.fixture(scope="session", autouse=True)
def tracefs() -> Iterator[Path]:
    """The tracefs, mounted for these tests where it is not."""
    need_root()
    mounted = False
    if not (TRACING / "instances").exists():
        done = subprocess.run(["mount", "-t", "tracefs", "tracefs", TRACING], check=False)
        mounted = done.returncode == 0
        if not mounted:
            absent("tracefs cannot be mounted")
    yield TRACING
    if mounted:
        subprocess.run(["umount", TRACING], check=False)


@pytest.fixture(scope="session", autouse=True)
def bpffs() -> Iterator[None]:
    """The file system of pins, which loaders mount where it is not: unmounted again."""
    mounted = PINS.is_mount()
    yield
    if PINS.is_mount() and not mounted:
        subprocess.run(["umount", PINS], check=False)


@pytest.fixture(scope="session")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Builder:
    need("clang", "bpftool", "gcc")
    folder = tmp_path_factory.mktemp("build")
    return Builder(Toolchain.find(memory=folder / "toolchain.json"), folder)


@pytest.fixture(scope="session")
def build(builder: Builder) -> Build:
    """The loader of a program of ours, or of one beside these tests."""

    def loader(name: str, events: tuple[DesiredEvent, ...] = ()) -> Path:
        places = (HERE / "programs" / f"{name}.bpf.c", SHIPPED / f"{name}.bpf.c")
        source = next(place for place in places if place.exists())
        return builder.build(Recipe(source=source, where=name, events=events)).loader

    return loader


@pytest.fixture
def start(build: Build, tmp_path: Path) -> Iterator[Start]:
    """Starts loaders in the background; they are stopped at the test's end."""
    running: list[Loader] = []

    def begin(
        program: str, *arguments: str, events: tuple[DesiredEvent, ...] = (), **options: object
    ) -> Loader:
        folder = tmp_path / f"{program}.{len(running)}"
        loader = Loader(path=build(program, events), arguments=arguments, folder=folder)
        running.append(loader)
        loader.start(**options)  # type: ignore[arg-type]
        return loader

    yield begin
    for loader in running:
        loader.end()
    for left in (TRACING / "instances").glob(f"fleetbpf.of-a-test.*.r{os.getpid()}"):
        left.rmdir()


@pytest.fixture(scope="module")
def inside() -> Iterator[tuple[str, ...]]:
    """The command that runs another one in a network of its own, with only lo in it."""
    need("unshare", "nsenter", "ip")
    with subprocess.Popen(["unshare", "--net", "sleep", "infinity"]) as sleeper:
        enter = ("nsenter", "--target", str(sleeper.pid), "--net")
        own = Path(f"/proc/{sleeper.pid}/ns/net")
        wait_until(
            lambda: own.readlink() != Path("/proc/self/ns/net").readlink(), what="a new network"
        )
        subprocess.run([*enter, "ip", "link", "set", "lo", "up"], check=True)
        yield enter
        sleeper.kill()
