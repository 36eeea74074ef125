"""Releases come and go on a host: what is started, judged, put back, and written down."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fleetbpf.deploy import activation, packing
from fleetbpf.deploy.activation import ACTIVATE, Activation, Answer, Step
from fleetbpf.files.archive import Content
from fleetbpf.host import facts
from fleetbpf.host.lock import Claim
from fleetbpf.model.layout import HostLayout
from fleetbpf.model.rollout import Health
from fleetbpf.plan.release import sha256
from tests.answers import read
from tests.integration.conftest import Run
from tests.integration.test_host_scripts import asked
from tests.tools import need

UNJUDGED = Health()
Files = dict[str, Content]
SECOND = Health(soak=1)
CLAIM = Claim(who="ann@desk", why="apply", patience=3.0)


@dataclass(frozen=True, kw_only=True)
class Site:
    """A host's folders, and the loader that all its releases have."""

    run: Run
    layout: HostLayout
    loader: bytes

    def do(self, *steps: Step, health: Health = UNJUDGED, files: Files = {}) -> Answer:  # noqa: B006
        host = Activation(deployment="demo", layout=self.layout, claim=CLAIM)
        order = host.order(steps, health)
        command = ACTIVATE.command(order, become=False)
        return read(ACTIVATE, order, self.run(command, packing.payload(files)).stdout)

    def start(
        self,
        release: str,
        *,
        was: str = "",
        program: str = "hello",
        health: Health = UNJUDGED,
        then: str = "rest",
        first: str = "{}",
        later: str = "",
        replaced: int = 0,
        more: tuple[str, ...] = (),
    ) -> Answer:
        name = sha256(self.loader)
        state = self.layout.state("demo", program, release)
        lines = (str(state), first, later, str(replaced), then, *more)
        files: Files = {
            f"objects/{name}": self.loader,
            f"{program}/{release}/args": "".join(f"{line}\n" for line in lines).encode(),
            f"{program}/{release}/unit": b"[Unit]\n",
            f"{program}/{release}/loader": activation.link_to(name),
            f"{program}/{release}/release.json": b'{"build_key": "key of '
            + release.encode()
            + b'"}\n',
        }
        if later:  # it has run before, and goes on counting from `first`
            spool = Path(self.layout.spool("demo", program, release))
            spool.mkdir(parents=True)
            (spool / "00000001.log").touch()
        step = Step(verb="start", program=program, was=was, release=release, object=name)
        return self.do(step, health=health, files=files)

    def pid(self, release: str, program: str = "hello") -> int:
        """Of its loader, 0 when it does not run."""
        try:
            state = Path(self.layout.state("demo", program, release)) / "state"
            found = int(json.loads(state.read_text())["pid"])
            os.kill(found, 0)
        except (FileNotFoundError, ProcessLookupError):
            return 0
        return found

    @property
    def current(self) -> str:
        link = Path(self.layout.root) / "demo" / "hello" / "current"
        return link.readlink().name if link.is_symlink() else ""


@pytest.fixture(scope="session")
def loader(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    need("gcc")
    path = tmp_path_factory.mktemp("loader") / "loader"
    source = Path(__file__).parent / "loader.c"
    subprocess.run(["gcc", "-Wall", "-Werror", "-o", path, source], check=True)
    return path.read_bytes()


@pytest.fixture
def site(run: Run, layout: HostLayout, loader: bytes) -> Iterator[Site]:
    if Path("/run/systemd/system").exists():
        pytest.skip("these releases are started by hand, not by systemd")
    yield Site(run=run, layout=layout, loader=loader)
    for state in Path(layout.run).rglob("state"):
        os.kill(int(json.loads(state.read_text())["pid"]), signal.SIGKILL)


def deadline(site: Site, release: str) -> list[str]:
    folder = Path(site.layout.root) / "demo" / "hello" / "releases" / release
    return (folder / "deadline").read_text().split()


def test_an_activation_grants_the_time_that_the_play_gives(site: Site) -> None:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    wall, since_boot = time.time(), time.clock_gettime(time.CLOCK_BOOTTIME)
    site.start("r1", more=("--expires", "7200"))
    at, granted_by, uptime = deadline(site, "r1")
    assert granted_by == boot
    assert 7199 < int(at) - wall < 7200 + 600
    assert 7198 < int(uptime) - since_boot < 7200 + 600


def test_a_release_that_is_started_again_is_granted_its_time_anew(site: Site) -> None:
    site.start("r1", more=("--expires", "7200"))
    first = int(deadline(site, "r1")[2])
    site.start("r1", was="r1", more=("--expires", "9000"))
    assert int(deadline(site, "r1")[2]) >= first + 1800


def counts(written: int = 0, lost: int = 0, killed: int = 0) -> str:
    where = {"kernel": lost, "limit": 0, "loader": 0, "spool": 0}
    return json.dumps({"written": written, "lost": where, "killed": killed})


def test_a_healthy_release_takes_over_after_its_soak(site: Site) -> None:
    site.start("r1")
    old = site.pid("r1")
    answer = site.start("r2", was="r1", health=SECOND, first=counts(5))
    assert answer.started == {"hello"}
    assert (site.current, site.pid("r1")) == ("r2", 0)
    assert site.pid("r2") not in {0, old}


RULES = [
    (
        Health(soak=1, max_lost=3),
        {"first": counts(lost=4)},
        "records lost: 4 in 1 s, max_lost is 3",
    ),
    (
        Health(soak=1, min_records=5),
        {"first": counts(7), "later": counts(11)},
        "records written: 4 in 1 s, min_records is 5",
    ),
    (Health(soak=1, min_records=5), {"first": counts(4)}, "records written: 4"),
    (SECOND, {"first": counts(killed=1)}, "restarts: 1 in 1 s, max_restarts is 0"),
    (SECOND, {"then": "end"}, "it does not run after 1 s"),
    (Health(soak=2, max_cpu=1), {"then": "work"}, " % of a CPU used in 2 s, max_cpu is 1%"),
]


@pytest.mark.parametrize(("health", "does", "said"), RULES)
def test_an_unhealthy_release_is_taken_away_and_the_old_one_has_not_noticed(
    site: Site, health: Health, does: dict[str, str], said: str
) -> None:
    site.start("r1")
    old = site.pid("r1")
    answer = site.start("r2", was="r1", health=health, **does)  # type: ignore[arg-type]
    (failure,) = answer.failures
    assert (failure.stage, failure.message[:8]) == ("health", "health: ")
    assert said in failure.message
    assert (site.current, site.pid("r1"), site.pid("r2")) == ("r1", old, 0)


def test_what_keeps_to_all_rules_is_healthy(site: Site) -> None:
    rules = Health(soak=1, max_lost=3, min_records=4, max_restarts=1, max_cpu=90)
    answer = site.start(
        "r1",
        health=rules,
        first=counts(100, lost=50, killed=7),
        later=counts(104, lost=53, killed=8),
    )
    assert answer.started == {"hello"}


def test_the_files_of_an_unhealthy_release_stay_to_be_looked_at(site: Site) -> None:
    answer = site.start("r1", health=SECOND, then="end")
    assert answer.failures
    assert site.current == ""
    assert Path(site.layout.release("demo", "hello", "r1")).is_dir()
    assert Path(site.layout.spool("demo", "hello", "r1")).is_dir()


def test_a_release_that_had_to_leave_its_hooks_is_started_again(site: Site) -> None:
    site.start("r1")
    old = site.pid("r1")
    answer = site.start("r2", was="r1", health=SECOND, then="end", replaced=1)
    assert answer.failures
    assert site.current == "r1"
    assert site.pid("r1") not in {0, old}


def test_a_release_is_restored_from_its_own_files(site: Site) -> None:
    site.start("r1")
    site.start("r2", was="r1")
    answer = site.do(Step(verb="restore", program="hello", was="r2", release="r1"))
    assert answer.started == {"hello"}
    assert (site.current, site.pid("r2")) == ("r1", 0)
    assert site.pid("r1")


def test_a_release_that_cannot_be_restored_leaves_the_current_one(site: Site) -> None:
    site.start("r1")
    now = site.pid("r1")
    answer = site.do(Step(verb="restore", program="hello", was="r1", release="r0"))
    assert [failure.program for failure in answer.failures] == ["hello"]
    assert (site.current, site.pid("r1")) == ("r1", now)


def test_all_that_was_done_is_in_the_history(site: Site) -> None:
    site.start("r1")
    site.start("r2", was="r1", then="refuse")
    site.start("r3", was="r1")
    site.do(Step(verb="restore", program="hello", was="r3", release="r1"))
    site.start("other", program="other")
    site.do(Step(verb="delete", program="hello", was="r1"))
    lines = (Path(site.layout.root) / "history").read_text().splitlines()
    rows = [line.split("\t") for line in lines]
    assert {len(row) for row in rows} == {9}
    assert {tuple(row[1:3]) for row in rows} == {("ann@desk", "demo")}
    assert [tuple(row[3:]) for row in rows] == [
        ("hello", "ready", "", "r1", "key of r1", ""),
        ("hello", "failed", "r1", "r2", "key of r2", "no such hook"),
        ("hello", "ready", "r1", "r3", "key of r3", ""),
        ("hello", "rolled back", "r3", "r1", "key of r1", ""),
        ("other", "ready", "", "other", "key of other", ""),
        ("hello", "deleted", "r1", "", "key of r1", ""),
    ]


def test_the_history_goes_with_the_last_program(site: Site, tmp_path: Path) -> None:
    site.start("r1")
    site.do(Step(verb="delete", program="hello", was="r1"))
    assert list(tmp_path.iterdir()) == []


def test_a_torn_line_of_the_history_touches_no_other(site: Site) -> None:
    site.start("r1")
    history = Path(site.layout.root) / "history"
    history.write_text(history.read_text() + "17000")
    site.start("r2", was="r1")
    assert [line.count("\t") for line in history.read_text().splitlines()] == [8, 0, 8]


def test_a_long_history_loses_its_oldest_lines(site: Site) -> None:
    site.start("r1")
    history = Path(site.layout.root) / "history"
    history.write_text("".join(f"{n}\n" for n in range(1001)))
    site.start("r2", was="r1")
    lines = history.read_text().splitlines()
    assert (len(lines), lines[0]) == (501, "501")


def test_a_history_that_cannot_be_written_stops_nothing(site: Site) -> None:
    site.start("r1")
    history = Path(site.layout.root) / "history"
    history.unlink()
    history.symlink_to("/dev/full")  # as on a full disk
    assert site.start("r2", was="r1").started == {"hello"}
    assert site.current == "r2"


def test_a_running_loader_needs_no_checksum_until_it_is_replaced_or_one_is_asked_for(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.start("r1")
    liar = tmp_path / "bin" / "sha256sum"
    liar.parent.mkdir()
    liar.write_text("#!/bin/sh\necho computed\n")
    liar.chmod(0o700)
    monkeypatch.setenv("PATH", f"{liar.parent}:{os.environ['PATH']}")

    def told(*wishes: str) -> str:
        return asked(site.run, site.layout, *wishes).programs[0].releases[0].loader_sha256

    name = sha256(site.loader)
    loader = Path(site.layout.root) / "objects" / name
    computed = told(facts.SUMS)
    assert computed in {"computed", name}  # busybox has a sha256sum of its own in its shell
    assert told() == name
    os.utime(loader)  # somebody wrote to it
    assert told() == computed
    os.utime(loader, (0, 0))
    assert told() == name
    loader.rename(tmp_path / "old")
    loader.write_bytes(b"other")
    os.utime(loader, (0, 0))
    assert told() in {"computed", sha256(b"other")}


def test_a_release_starts_though_somebody_has_added_to_its_unit(site: Site) -> None:
    added = Path(site.layout.units) / "fleetbpf-demo.hello@.service.d" / "x.conf"
    added.parent.mkdir(parents=True)
    added.write_text("[Service]\nNice=5\n")
    answer = site.start("r1")
    assert answer.started == {"hello"}, answer.failures
    assert site.pid("r1")
    assert not added.parent.exists()


CUT = """#!/bin/sh
for word; do
    case $word in */releases/*) /bin/rm -f "$word/args"; kill -KILL $PPID; exit ;; esac
done
exec /bin/rm "$@"
"""


def test_a_release_that_is_removed_is_never_there_in_part(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.start("r1")
    site.start("r2", was="r1")
    with monkeypatch.context() as patch:
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "rm").write_text(CUT)
        (tmp_path / "bin" / "rm").chmod(0o755)
        patch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
        site.do(Step(verb="prune", program="hello", was="r2", release="r1"))
    releases = Path(site.layout.root) / "demo" / "hello" / "releases"
    assert not (releases / "r1").exists()
    site.start("r3", was="r2")
    assert sorted(path.name for path in releases.iterdir()) == ["r2", "r3"]
