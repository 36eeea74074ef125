"""Releases with real loaders: judged before the ones before them stop, and asked how they do."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import pytest

from fleetbpf.deploy import activation, packing
from fleetbpf.deploy.activation import ACTIVATE, Activation, Answer, Order, Step
from fleetbpf.execution.command import Command
from fleetbpf.execution.local import LocalConnection
from fleetbpf.files.archive import Content
from fleetbpf.host import facts
from fleetbpf.host.lock import Claim
from fleetbpf.model.layout import HostLayout
from fleetbpf.model.rollout import Health
from fleetbpf.plan.release import sha256
from tests.answers import read
from tests.kernel.conftest import Build
from tests.kernel.running import ping
from tests.waiting import wait_until

DEPLOYMENT = "of-a-test"
PACKET = "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))"
PID = f"pid={os.getpid()}"


@dataclass(frozen=True, kw_only=True)
class Site:
    """A host's folders, a loader, and what its commands are run by."""

    layout: HostLayout
    loader: Path
    before: tuple[str, ...] = ()

    def start(
        self,
        release: str,
        *arguments: str,
        was: str = "",
        health: Health = Health(),  # noqa: B008
    ) -> Answer:
        loader = self.loader.read_bytes()
        place = (DEPLOYMENT, "p", release)
        words = (
            *("--deployment", DEPLOYMENT, "--program", "p", "--release", release),
            *("--spool", str(self.layout.spool(*place)), "--run", str(self.layout.state(*place))),
            *arguments,
        )
        files: dict[str, Content] = {
            f"objects/{sha256(loader)}": loader,
            f"p/{release}/args": "".join(f"{word}\n" for word in words).encode(),
            f"p/{release}/unit": b"",
            f"p/{release}/loader": activation.link_to(sha256(loader)),
        }
        claim = Claim(who="a test", why="", patience=60)
        host = Activation(deployment=DEPLOYMENT, layout=self.layout, claim=claim)
        step = Step(verb="start", program="p", was=was, release=release, object=sha256(loader))
        return self.run(host.order([step], health), packing.payload(files))

    def run(self, order: Order, payload: bytes) -> Answer:
        words = ACTIVATE.command(order, become=False).words
        with LocalConnection() as here:
            done = here.run(Command(*self.before, *words), stdin=payload, timeout=300)
        return read(ACTIVATE, order, done.stdout)

    def pid(self, release: str) -> int:
        """Of the loader; 0 before it is ready."""
        state = Path(self.layout.state(DEPLOYMENT, "p", release)) / "state"
        return int(json.loads(state.read_text())["pid"]) if state.exists() else 0

    def texts(self, release: str) -> list[str]:
        """What the release has printed."""
        segments = Path(self.layout.spool(DEPLOYMENT, "p", release)).glob("*.log")
        lines = [line for each in segments for line in each.read_text().splitlines()[1:]]
        return [record["text"] for record in map(json.loads, lines) if record["kind"] == "trace"]


@pytest.fixture
def site(build: Build, tmp_path: Path) -> Iterator[Site]:
    if Path("/run/systemd/system").exists():
        pytest.skip("these releases are started by hand, not by systemd")
    root = PurePosixPath(tmp_path)
    layout = HostLayout(root=root / "root", run=root / "run", units=root / "units")
    site = Site(layout=layout, loader=build("ping"))
    yield site
    claim = Claim(who="a test", why="", patience=60)
    host = Activation(deployment=DEPLOYMENT, layout=layout, claim=claim)
    link = Path(layout.root) / DEPLOYMENT / "p" / "current"
    gone = Step(verb="delete", program="p", was=link.readlink().name)
    site.run(host.order([gone], Health()), packing.payload({}))


def test_both_releases_tell_what_they_see_while_the_new_one_soaks(site: Site) -> None:
    site.start("r1", "--set", PID)
    answers: list[Answer] = []
    health = Health(soak=5, max_lost=0, min_records=1, max_cpu=90)
    work = threading.Thread(
        target=lambda: answers.append(site.start("r2", "--set", PID, was="r1", health=health))
    )
    work.start()
    wait_until(lambda: site.pid("r2") != 0, what="the new release is ready")
    ping()
    work.join(120)
    assert answers[0].started == {"p"}, answers[0]
    assert (len(site.texts("r1")), len(site.texts("r2"))) == (1, 1)


def test_a_loader_that_is_killed_while_it_soaks_is_not_healthy(site: Site) -> None:
    site.start("r1", "--set", PID)
    old = site.pid("r1")
    answers: list[Answer] = []
    work = threading.Thread(
        target=lambda: answers.append(
            site.start("r2", "--set", PID, was="r1", health=Health(soak=6))
        )
    )
    work.start()
    wait_until(lambda: site.pid("r2") != 0, what="the new release is ready")
    os.kill(site.pid("r2"), signal.SIGKILL)
    work.join(120)
    (failure,) = answers[0].failures
    assert failure.message == "health: restarts: 1 in 6 s, max_restarts is 0"
    assert (site.pid("r1"), site.pid("r2")) == (old, 0)


def test_lines_above_the_rate_are_lost_records(site: Site) -> None:
    site.start("r1", "--set", PID)
    answers: list[Answer] = []
    health = Health(soak=4, max_lost=10)
    work = threading.Thread(
        target=lambda: answers.append(
            site.start("r2", "--set", PID, "--rate-limit", "1", was="r1", health=health)
        )
    )
    work.start()
    wait_until(lambda: site.pid("r2") != 0, what="the new release is ready")
    ping(100)
    work.join(120)
    (failure,) = answers[0].failures
    assert " in 4 s, max_lost is 10" in failure.message


def test_an_unhealthy_release_gives_an_interface_back(
    site: Site, build: Build, inside: tuple[str, ...]
) -> None:
    site = replace(site, loader=build("deciding"), before=inside)
    hook = ("--attach", "on_xdp=xdp/lo@skb")
    site.start("r1", *hook)
    health = Health(soak=1, min_records=1_000_000)
    answer = site.start("r2", *hook, was="r1", health=health)
    assert [failure.stage for failure in answer.failures] == ["health"]
    told = len(site.texts("r1"))
    subprocess.run([*inside, sys.executable, "-c", PACKET], check=True)
    wait_until(lambda: len(site.texts("r1")) > told, what="the old release sees packets again")


def test_runs_that_the_kernel_skipped_are_told(site: Site, build: Build) -> None:
    replace(site, loader=build("recursing")).start("r1", "--set", PID)
    assert missed(site, facts.MISSES) == 0
    ping(7)
    assert missed(site, facts.MISSES) == 7
    assert missed(site) == 0  # nobody asked


def missed(site: Site, *wishes: str) -> int:
    """How often the kernel did not run a program of the one release, as a host tells it."""
    with LocalConnection() as here:
        said = facts.ask(here, site.layout, host="here", deployment=DEPLOYMENT, wishes=wishes)
    return said.programs[0].releases[0].missed
