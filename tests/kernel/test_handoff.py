"""From one release to the next while events are fired: none is missed, and none is told twice."""

import os
import shutil
import signal
import socket
import struct
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fleetbpf.records import records
from fleetbpf.records.records import Record
from tests.kernel.conftest import HERE, PINS, TRACING, Build
from tests.kernel.running import Loader
from tests.tools import need
from tests.waiting import pause, wait_until

Event = tuple[int, int]  # thread, number
LINES = ("--set", "print=true", "--trace-buffer", str(32 << 20))
CALL = "IIQ65s7x"  # struct fb_handoff_call: version, watch, since, release
MESSAGE = "IIQ16Q"  # struct fb_handoff_message: word, exact, time, positions
BESIDE, CUT, TOLD = 1, 3, 4
OFTEN, BEARABLE = 10_000, 50_000  # ns between two events of a thread


@dataclass(kw_only=True)
class Release(Loader):
    """A loader whose folders lie as on a host, beside those of other releases."""

    name: str

    @property
    def spool(self) -> Path:
        return self.folder / "spool" / self.name

    @property
    def run(self) -> Path:
        return self.folder / "run" / self.name

    @property
    def release(self) -> str:
        return self.name


@dataclass(kw_only=True)
class Host:
    """A program's folder with its releases, brought forward as activate.sh does it."""

    folder: Path
    loader: Path
    generator: Path
    releases: list[Release] = field(default_factory=list)
    firing: "subprocess.Popen[bytes] | None" = None

    def fire(self, *, pause: int, threads: int = 3) -> None:
        self.firing = subprocess.Popen(
            [self.generator, str(threads), str(pause)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def fired(self) -> set[Event]:
        """End the generator; all that it has fired."""
        assert self.firing is not None
        counts = self.firing.communicate(timeout=120)[0].split()
        return {(thread, n) for thread, count in enumerate(counts) for n in range(int(count))}

    def start(self, name: str, *arguments: str) -> Release:
        """Start a release beside the current one."""
        assert self.firing is not None
        words = ("--set", f"pid={self.firing.pid}", "--set", f"settings={len(self.releases)}")
        release = Release(
            path=self.loader, arguments=(*words, *arguments), folder=self.folder, name=name
        )
        self.releases.append(release)
        release.start()
        return release

    def switch(self, release: Release) -> None:
        """Make it the current one."""
        link = self.folder / "current.new"
        link.symlink_to(f"releases/{release.name}")
        link.replace(self.folder / "current")

    def begin(self, name: str, *arguments: str) -> Release:
        release = self.start(name, *arguments)
        self.switch(release)
        return release

    def upgrade(self, old: Release, name: str, *arguments: str) -> Release:
        new = self.begin(name, *arguments)
        old.stop()
        return new

    def shown(self, into: Path) -> list[Record]:
        """What `fleetbpf logs` would read."""
        shutil.copytree(self.folder / "spool", into / "logs" / "here" / "of-a-test" / "numbered")
        return records.of_host(into / "logs", "here")


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    need("gcc")
    program = tmp_path_factory.mktemp("generator") / "numbers"
    subprocess.run(
        ["gcc", "-D_GNU_SOURCE", "-O2", "-pthread", "-o", program, HERE / "numbers.c"], check=True
    )
    return program


@pytest.fixture
def host(build: Build, generator: Path, tmp_path: Path) -> Iterator[Host]:
    folder = tmp_path / f"numbered{os.getpid()}"
    made = Host(folder=folder, loader=build("numbered"), generator=generator)
    yield made
    for release in made.releases:
        release.end()
    if made.firing is not None and made.firing.poll() is None:
        made.firing.kill()
        made.firing.wait()
    # What a loader that was killed has left, and no start takes up.
    shutil.rmtree(PINS / "fleetbpf" / "of-a-test" / folder.name, ignore_errors=True)
    for left in (TRACING / "instances").glob(f"fleetbpf.of-a-test.{folder.name}.*"):
        left.rmdir()


def event_of(record: Record) -> Event | None:
    """The event that a record tells."""
    match record.kind:
        case "event":
            return record.fields["data"]["thread"], record.fields["data"]["number"]
        case "trace":
            thread, number = record.fields["text"].split()
            return int(thread), int(number)
        case _:
            return None


def told(found: list[Record]) -> Counter[Event]:
    """How often each event is told, records of the overlap left out."""
    return Counter(event for r in found if not r.overlap and (event := event_of(r)))


def since(counts: Counter[Event], fired: set[Event]) -> set[Event]:
    """What was fired since the first release was there: each thread's first told event tells."""
    first: dict[int, int] = {}
    for thread, number in counts:
        first[thread] = min(number, first.get(thread, number))
    return {(thread, number) for thread, number in fired if number >= first[thread]}


def check(found: list[Record], fired: set[Event]) -> None:
    """Nothing is missing; nothing is told twice, where every handoff found a quiet moment."""
    assert [r.fields for r in found if r.kind == "lost" and not r.overlap] == []
    counts = told(found)
    wanted = since(counts, fired)
    twice = sum(count > 1 for count in counts.values())
    assert len(wanted) > 1000
    assert (len(wanted - counts.keys()), twice if all(exact(found)) else 0) == (0, 0)


def exact(found: list[Record]) -> list[bool]:
    """Of each handoff, whether a quiet moment was found: on a busy machine there may be none."""
    return [record.fields["exact"] for record in found if record.kind == "handoff"]


@pytest.mark.parametrize(
    ("arguments", "pause"), [((), OFTEN), (LINES, BEARABLE)], ids=["events", "lines"]
)
def test_upgrades_tell_each_event_once(
    host: Host, tmp_path: Path, arguments: tuple[str, ...], pause: int
) -> None:
    host.fire(pause=pause)
    first = host.begin("r1", *arguments)
    second = host.upgrade(first, "r2", *arguments)
    third = host.upgrade(second, "r3", *arguments)
    fired = host.fired()
    third.stop()
    found = host.shown(tmp_path)
    assert len(exact(found)) == 2
    overlaps = {(record.release, record.overlap) for record in found if record.overlap}
    assert overlaps == {("r2", "r1"), ("r3", "r2")}
    check(found, fired)


def test_a_release_that_comes_back_tells_each_event_once(host: Host, tmp_path: Path) -> None:
    host.fire(pause=OFTEN)
    first = host.begin("r1")
    second = host.upgrade(first, "r2")
    first.start()
    host.switch(first)
    second.stop()
    fired = host.fired()
    first.stop()
    found = host.shown(tmp_path)
    assert [r.fields["from"] for r in found if r.kind == "handoff"] == ["r1", "r2"]
    check(found, fired)


def test_a_release_that_is_given_up_leaves_the_one_before_to_tell_all(
    host: Host, tmp_path: Path
) -> None:
    host.fire(pause=OFTEN)
    old = host.begin("r1")
    host.start("r2").stop()
    fired = host.fired()
    old.stop()
    shutil.rmtree(host.folder / "spool" / "r2")
    found = host.shown(tmp_path)
    assert exact(found) == []
    check(found, fired)


def test_a_release_that_is_killed_in_the_overlap_tells_each_event_once(
    host: Host, tmp_path: Path
) -> None:
    host.fire(pause=OFTEN)
    old = host.begin("r1")
    new = host.start("r2")
    new.kill()
    new.start()
    host.switch(new)
    old.stop()
    fired = host.fired()
    new.stop()
    check(host.shown(tmp_path), fired)


def test_when_the_one_that_goes_is_killed_nothing_is_marked(host: Host, tmp_path: Path) -> None:
    host.fire(pause=OFTEN)
    old = host.begin("r1")
    new = host.start("r2")
    host.switch(new)
    old.kill()
    host.fired()
    new.stop()
    found = host.shown(tmp_path)
    assert exact(found) == []
    assert {record.overlap for record in found} == {""}


def is_waiting(process: int) -> bool:
    """Whether it sleeps, by what is behind its name in /proc/PID/stat."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "S"


def test_a_machine_may_stand_still_in_a_handoff(host: Host, tmp_path: Path) -> None:
    host.fire(pause=BEARABLE, threads=1)
    host.begin("r1")
    new = host.start("r2")
    host.switch(new)
    run = os.open(new.run, os.O_PATH)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as old:
        old.connect(f"/proc/self/fd/{run}/handoff")
        os.close(run)
        old.send(struct.pack(CALL, 1, BESIDE, 0, b"r1"))
        assert struct.unpack_from("I", old.recv(4096)) == (CUT,)
        wait_until(lambda: is_waiting(new.pid), what="it waits for an answer")
        pause(new.pid)
        time.sleep(3)
        os.kill(new.pid, signal.SIGCONT)
        old.send(struct.pack(MESSAGE, TOLD, 0, 0, *[0] * 16))
        wait_until(lambda: bool(new.records("handoff")), what="it has taken over")
    host.fired()
