"""Maps with LIBBPF_PIN_BY_NAME: shared between the releases of a program, and by nobody else."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kernel.conftest import PINS, Build
from tests.kernel.running import Loader, ping
from tests.kernel.test_values import entries
from tests.waiting import wait_until

OURS = PINS / "fleetbpf" / "of-a-test"
ARGUMENTS = ("--set", f"pid={os.getpid()}", "--map", "shared_counts=0.2")


class Releases:
    """Releases of one program, which come one after the other or beside each other."""

    def __init__(self, folder: Path, build: Build) -> None:
        self._folder, self._build = folder, build
        self.all: list[Loader] = []

    def begin(self, program: str) -> Loader:
        """The next release: the spool is its own, the program's name is not."""
        loader = Loader(
            path=self._build(program),
            arguments=(*ARGUMENTS, "--program", self.name),
            folder=self._folder / f"r{len(self.all)}",
        )
        self.all.append(loader)
        loader.start()
        return loader

    @property
    def name(self) -> str:
        return f"shared-{self._folder.name.replace('.', '-')}"

    @property
    def pins(self) -> list[str]:
        """The names of what is pinned, without their shapes."""
        return sorted(path.name.rpartition("-")[0] for path in self.places)

    @property
    def places(self) -> list[Path]:
        return sorted((OURS / self.name / "maps").glob("*"))


@pytest.fixture
def releases(tmp_path: Path, build: Build) -> Iterator[Releases]:
    found = Releases(tmp_path, build)
    yield found
    for loader in found.all:
        loader.end()
    shutil.rmtree(OURS / found.name, ignore_errors=True)


def calls(loader: Loader) -> int:
    """What the newest read-out of the shared map tells."""
    return sum(entry["value"]["calls"] for entry in entries(loader, "shared_counts"))


def warnings(loader: Loader) -> list[str]:
    return [text for record in loader.records("start") for text in record["warnings"]]


def test_pins_are_roots_alone_and_outlive_their_loader(releases: Releases) -> None:
    loader = releases.begin("shared")
    assert releases.pins == ["shared_counts", "unsized_counts"]
    assert (OURS / releases.name / "maps").stat().st_mode & 0o777 == 0o700
    assert not list(PINS.glob("*counts*"))
    loader.stop()
    assert releases.pins == ["shared_counts", "unsized_counts"]


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_the_next_release_goes_on_with_what_is_there(releases: Releases, end: str) -> None:
    first = releases.begin("shared")
    ping(3)
    getattr(first, end)()
    second = releases.begin("shared")
    wait_until(lambda: calls(second) == 3, what="the second release has the first one's counts")
    ping(2)
    second.stop()
    assert calls(second) == 5
    assert warnings(second) == []


def test_two_releases_beside_each_other_share_their_maps(releases: Releases) -> None:
    first, second = releases.begin("shared"), releases.begin("shared")
    ping()
    first.stop()
    second.stop()
    assert calls(first) == calls(second) == 2  # each has counted the call


def test_a_map_of_another_shape_begins_empty_and_is_told(releases: Releases) -> None:
    first = releases.begin("shared")
    ping(3)
    second = releases.begin("shared_wider")
    assert warnings(second) == [
        "the map shared_counts has another shape than in the releases before: it begins empty"
    ]
    assert releases.pins == ["shared_counts", "shared_counts", "unsized_counts"]
    ping()
    second.stop()
    assert calls(second) == 1
    first.stop()
    assert calls(first) == 4


def test_what_goes_for_another_shape_takes_its_pin_along(releases: Releases) -> None:
    first = releases.begin("shared")
    before = set(releases.places)
    second = releases.begin("shared_wider")
    (first.folder.parent / "current").symlink_to("releases/another")
    spool = first.folder / "spool"
    assert spool.parent.parent == first.folder.parent
    first.stop()
    assert len(releases.places) == 2
    assert set(releases.places) != before
    second.stop()


def test_a_check_pins_nothing(releases: Releases, build: Build) -> None:
    command = [str(build("shared")), "--check", "--deployment", "of-a-test"]
    done = subprocess.run(
        [*command, "--program", releases.name, "--release", "r1"], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not (OURS / releases.name).exists()
    assert not list(PINS.glob("*counts*"))
