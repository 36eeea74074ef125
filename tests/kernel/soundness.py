"""What must hold on a host after every fault and the apply behind it."""

import hashlib
import itertools
from collections.abc import Mapping
from pathlib import Path

from fleetbpf.records.records import Record
from tests.kernel.machine import Machine

FILES = {"loader", "args", "release.json"}  # and a unit where there is systemd


def assert_sound(machine: Machine, deployment: str, wanted: Mapping[str, str]) -> None:
    """Exactly the releases `wanted`, by program, run; nothing is half there or left over."""
    names = {path.name for path in machine.root.iterdir()}
    assert names <= {"objects", "history", "changed", deployment}, names
    programs = {path.name: path for path in (machine.root / deployment).iterdir()}
    assert programs.pop(".manifest").is_file()
    assert programs.keys() == wanted.keys()
    used = set()
    for name, folder in programs.items():
        assert folder.joinpath("current").readlink().name == wanted[name]
        used |= assert_whole(folder, wanted[name])
    assert_objects(machine.root / "objects", used)
    assert_running(machine, deployment, wanted)


def assert_whole(program: Path, current: str) -> set[str]:
    """Every release of a program has all its files; the objects that they use."""
    releases = list((program / "releases").iterdir())
    assert current in {release.name for release in releases}
    assert len(releases) <= 3
    for release in releases:
        files = {file.name for file in release.iterdir()}
        assert files == FILES, f"{release}, of which {current} is current: {sorted(files)}"
    assert {path.name for path in program.iterdir()} <= {"releases", "spool", "current"}
    return {release.joinpath("loader").readlink().name for release in releases}


def assert_objects(folder: Path, used: set[str]) -> None:
    """The objects are those in use, and what their names say."""
    assert {path.name for path in folder.iterdir()} == used
    for path in folder.iterdir():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name


def assert_running(machine: Machine, deployment: str, wanted: Mapping[str, str]) -> None:
    """Each program has one loader under one supervisor, and nothing else does."""
    places = {f"{deployment}/{name}/releases/{release}" for name, release in wanted.items()}
    arguments = sorted(f"/var/lib/fleetbpf/{place}/args" for place in places for _ in range(2))
    assert machine.loaders() == arguments
    states = machine.inside(f"run/fleetbpf/{deployment}")
    told = {f"{path.parent.name}/{path.name}" for path in states.glob("*/*")}
    assert told == {f"{name}/{release}" for name, release in wanted.items()}


def assert_without_gap(records: list[Record]) -> None:
    """From its first start on, some release of each program ran at every moment."""
    told = sorted(records, key=lambda record: (record.program, record.time_ns))
    for program, mine in itertools.groupby(told, key=lambda record: record.program):
        running: set[str] = set()
        for record in mine:
            if record.kind == "start":
                running.add(record.release)
            elif record.kind == "stop":
                running.discard(record.release)
                assert running, f"{program} stopped at {record.time_ns} and nothing ran"
