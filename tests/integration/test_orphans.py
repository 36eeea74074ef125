"""What is left on a host without the files that it belongs to: it is found, and it goes."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from fleetbpf.deploy.activation import Step
from fleetbpf.host import facts
from fleetbpf.model.facts import HostFacts, OrphanKind
from tests.integration.test_activation import Site, loader, site
from tests.integration.test_host_scripts import asked
from tests.tools import need, need_root
from tests.waiting import pause, wait_until

__all__ = ["loader", "site"]  # fixtures

SWEEP = Step(verb="sweep", program="", was="")
HALT = Step(verb="halt", program="", was="")
USER = 12345


def loaders(folder: Path) -> set[int]:
    """The processes whose executable lies, or lay, below a folder."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str((process / "exe").readlink()).startswith(f"{folder}/"):
                found.add(int(process.name))
        except OSError:
            continue
    return found


@pytest.fixture(autouse=True)
def nothing_runs_on(tmp_path: Path) -> Iterator[None]:
    yield
    for pid in loaders(tmp_path):
        os.kill(pid, signal.SIGKILL)


def look(site: Site, *wishes: str) -> HostFacts:
    seen = asked(site.run, site.layout, *wishes)
    # tracefs and bpffs are the machine's, and other tests' loaders work there.
    ours = tuple(each for each in seen.orphans if not each.what.startswith("/sys/"))
    return replace(seen, orphans=ours)


def kinds(seen: HostFacts, release: str = "r1") -> set[str]:
    return {found.kind.value for found in seen.orphans if found.release == release}


def lose(*folders: object) -> None:
    for folder in folders:
        shutil.rmtree(str(folder))


def test_a_loader_whose_files_are_gone_is_found_with_what_it_has(site: Site) -> None:
    site.start("r1")
    pid = site.pid("r1")
    assert look(site).orphans == ()
    lose(site.layout.root)
    seen = look(site)
    assert {"process", "state"} == kinds(seen)
    (process,) = (found for found in seen.orphans if found.kind is OrphanKind.PROCESS)
    assert (process.deployment, process.program, process.what) == ("demo", "hello", str(pid))


@pytest.mark.parametrize("lost", ["root", "run", "releases", "objects", "current", "all"])
@pytest.mark.parametrize("paused", [False, True], ids=["running", "paused"])
def test_nothing_is_left_whatever_was_lost_before(
    site: Site, tmp_path: Path, lost: str, paused: bool
) -> None:
    site.start("r1")
    root = Path(site.layout.root)
    if paused:
        pause(site.pid("r1"))
    match lost:
        case "root" | "run":
            lose(getattr(site.layout, lost))
        case "all":
            lose(site.layout.root, site.layout.run)
        case "objects":
            lose(root / "objects")
        case "releases":
            lose(root / "demo" / "hello" / "releases")
        case _:
            (root / "demo" / "hello" / "current").unlink()
    assert site.do(HALT).ended == {"hello"}
    assert loaders(root) == set()
    site.do(SWEEP)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert look(site, facts.THOROUGH).orphans == ()


def test_a_release_without_files_ends_when_the_next_one_is_ready(site: Site) -> None:
    site.start("r1")
    old = site.pid("r1")
    lose(site.layout.root, site.layout.run)
    answer = site.start("r2")
    assert answer.started == {"hello"}
    assert site.current == "r2"
    assert old not in loaders(Path(site.layout.root))
    assert look(site).orphans == ()


def test_a_release_that_runs_without_its_files_is_started_anew(site: Site) -> None:
    site.start("r1")
    old = site.pid("r1")
    lose(site.layout.root, site.layout.run)
    assert site.start("r1").started == {"hello"}
    assert loaders(Path(site.layout.root)) == {site.pid("r1")}
    assert site.pid("r1") != old


def test_a_release_that_does_not_start_ends_none_that_runs_without_files(site: Site) -> None:
    site.start("r1")
    old = site.pid("r1")
    lose(site.layout.root)
    assert site.start("r2", then="refuse").failures
    assert loaders(Path(site.layout.root)) == {old}


def test_a_folder_that_was_moved_away_does_not_hide_its_loaders(site: Site, tmp_path: Path) -> None:
    site.start("r1")
    Path(site.layout.root).rename(tmp_path / "old")
    assert "process" in kinds(look(site))
    site.do(SWEEP)
    assert loaders(tmp_path) == set()


def test_one_deployment_goes_and_the_others_stay(site: Site) -> None:
    site.start("r1")
    stays = Path(site.layout.root) / "other" / "x" / "releases" / "r9"
    stays.mkdir(parents=True)
    run = Path(site.layout.run) / "other" / "x" / "r9"
    run.mkdir(parents=True)
    assert site.do(SWEEP).ended == {"hello"}
    assert stays.is_dir()
    assert run.is_dir()
    assert not (Path(site.layout.root) / "demo").exists()


def test_a_loader_that_was_stopped_by_a_signal_does_not_count_as_running(site: Site) -> None:
    site.start("r1")
    assert not look(site).programs[0].releases[0].paused
    pause(site.pid("r1"))
    assert look(site).programs[0].releases[0].paused


def test_records_of_a_release_that_is_gone_are_told(site: Site) -> None:
    site.start("r1")
    spool = Path(site.layout.spool("demo", "hello", "r0"))
    spool.mkdir(parents=True)
    assert kinds(look(site), "r0") == {"spool"}
    site.do(Step(verb="prune", program="hello", was="r1", release="r0"))
    assert look(site).orphans == ()


def test_metrics_are_removed_by_what_the_state_tells_when_the_files_are_gone(
    site: Site, tmp_path: Path
) -> None:
    folder = tmp_path / "metrics"
    folder.mkdir()
    site.start("r1", more=("--textfile", str(folder)))
    ours, other = (folder / f"fleetbpf-demo-{name}.prom" for name in ("hello", "hello2"))
    ours.touch()
    other.touch()
    lose(site.layout.root)
    site.do(SWEEP)
    assert list(folder.iterdir()) == [other]


OURS = (
    "fleetbpf-demo.hello@.service",
    "fleetbpf-demo.hello@.service.d/limits.conf",
    "fleetbpf-demo.hello@r1.service.d/more.conf",
    "fleetbpf-demo.hello@r1.service",
    "multi-user.target.wants/fleetbpf-demo.hello@r1.service",
    "graphical.target.wants/fleetbpf-demo.hello@r1.service",
)
OTHERS = (
    "fleetbpf-audit-demo.service",
    "fleetbpf-demo.hello2@.service",
    "fleetbpf-demo..x@r1.service",
    "fleetbpf-demo.hello@r 1.service",
    "fleetbpf-demo.hello@.timer",
    "other.service",
)


def units(folder: Path) -> None:
    for name in (*OURS, *OTHERS):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if ".wants/" in name:
            (folder / name).symlink_to("../fleetbpf-demo.hello@.service")
        else:
            (folder / name).write_text("[Unit]\n")


def test_units_and_all_that_was_added_to_them_are_found_and_go(site: Site) -> None:
    folder = Path(site.layout.units)
    units(folder)
    found = {each.what for each in look(site).orphans if each.program == "hello"}
    places = {name.partition("/")[0] if ".d/" in name else name for name in OURS}
    assert found == {f"{folder}/{name}" for name in places}
    assert site.do(SWEEP).ended == {"hello", "hello2"}
    left = {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}
    assert left == set(OTHERS) - {"fleetbpf-demo.hello2@.service"}


def test_what_was_added_to_the_unit_of_a_placed_release_is_told_and_goes_with_its_start(
    site: Site,
) -> None:
    site.start("r1")
    added = Path(site.layout.units) / "fleetbpf-demo.hello@.service.d"
    added.mkdir(parents=True)
    (found,) = look(site).orphans
    assert (found.kind, found.what) == (OrphanKind.DROP_IN, str(added))
    site.start("r1", was="r1")
    assert not added.exists()


@contextmanager
def open_to_users(folder: Path) -> Iterator[None]:
    """A folder, and those that it is in, may be passed by everybody meanwhile."""
    modes = {
        each: each.stat().st_mode for each in (folder, *folder.parents) if each.owner() == "root"
    }
    for each, mode in modes.items():
        each.chmod(mode | 0o011)
    yield
    for each, mode in modes.items():
        if each.exists():
            each.chmod(mode)


@contextmanager
def pretender(
    root: Path, *, user: int | None = None, before: tuple[str, ...] = ()
) -> Iterator[None]:
    """A process that was started as our loaders are, by an executable where ours lie."""
    shell = root / "objects" / ("a" * 64)
    shell.parent.mkdir(parents=True)
    shutil.copy(shutil.which("dash") or "", shell)
    args = root / "demo" / "hello" / "releases" / "r1" / "args"
    words = (*before, str(shell), "-c", "read line", "loader", "--args", str(args))
    with (
        open_to_users(shell.parent),
        subprocess.Popen(words, stdin=subprocess.PIPE, user=user) as process,
    ):
        wait_until(lambda: loaders(root) != set(), seconds=30, what="it runs")
        yield
        assert process.poll() is None
        assert process.stdin is not None
        process.stdin.close()


def test_a_process_of_another_user_is_none_of_ours(site: Site) -> None:
    need_root()
    need("dash")
    with pretender(Path(site.layout.root), user=USER):
        assert not [each for each in look(site).orphans if each.kind is OrphanKind.PROCESS]
        site.do(SWEEP)


def test_a_process_of_a_container_is_none_of_ours(site: Site) -> None:
    need_root()
    need("dash", "unshare")
    with pretender(Path(site.layout.root), before=("unshare", "--pid", "--fork")):
        assert not [each for each in look(site).orphans if each.kind is OrphanKind.PROCESS]
        site.do(SWEEP)


def test_a_process_that_only_has_our_name_and_arguments_is_none_of_ours(
    site: Site, tmp_path: Path
) -> None:
    need("dash")
    other = tmp_path / "loader"
    shutil.copy(shutil.which("dash") or "", other)
    args = site.layout.release("demo", "hello", "r1") / "args"
    words = (str(other), "-c", "read line", "loader", "--args", str(args))
    with subprocess.Popen(words, stdin=subprocess.PIPE) as process:
        wait_until(lambda: loaders(tmp_path) != set(), seconds=30, what="it runs")
        assert look(site, facts.THOROUGH).orphans == ()
        site.do(SWEEP)
        assert process.poll() is None
        assert process.stdin is not None
        process.stdin.close()
