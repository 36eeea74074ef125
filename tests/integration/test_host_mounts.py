"""What a host tells of the file systems that fleetbpf's folders are on, in three shells."""

import contextlib
import gzip
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from fleetbpf.execution.command import script
from fleetbpf.host import facts
from fleetbpf.model.facts import Unfit
from fleetbpf.model.layout import HostLayout
from tests.integration.conftest import Run
from tests.integration.test_host_scripts import asked, place
from tests.tools import need, need_root

Mount = Callable[..., None]
OF_THE_KERNEL = {Unfit.NO_BPFFS, Unfit.NO_TRACEFS}  # this machine's


@pytest.fixture
def mount() -> Iterator[Mount]:
    """Mounts a tmpfs with those options, or a folder on itself; all go again."""
    need("mount", "umount")
    need_root()
    mounted: list[Path] = []

    def on(path: Path, options: str, *, bind: bool = False) -> None:
        path.mkdir(parents=True, exist_ok=True)
        if bind:
            subprocess.run(["mount", "--bind", path, path], check=True)
            mounted.append(path)
            options = f"remount,bind,{options}"
        else:
            mounted.append(path)
        words = ("-t", "tmpfs", "-o", options, "tmpfs") if not bind else ("-o", options)
        subprocess.run(["mount", *words, path], check=True)

    yield on
    for path in reversed(mounted):
        subprocess.run(["umount", path], check=False)


def unfit(run: Run, layout: HostLayout, *wishes: str) -> dict[Unfit, str]:
    found = asked(run, layout, *wishes).unfit
    return {kind: where for kind, where in found.items() if kind not in OF_THE_KERNEL}


@pytest.mark.parametrize("where", ["root", ".", "root/more"])
def test_a_folder_from_which_nothing_is_executed_is_told(
    run: Run, layout: HostLayout, tmp_path: Path, mount: Mount, where: str
) -> None:
    folder = tmp_path / where
    mount(folder, "noexec,nosuid,nodev")
    at = replace(layout, root=PurePosixPath(folder / "x")) if where == "root/more" else layout
    assert unfit(run, at) == {Unfit.NOEXEC: str(folder)}


def test_so_is_a_bind_mount(run: Run, layout: HostLayout, tmp_path: Path, mount: Mount) -> None:
    mount(tmp_path / "root", "noexec", bind=True)
    assert unfit(run, layout) == {Unfit.NOEXEC: str(tmp_path / "root")}


def test_a_link_is_followed_to_where_the_folder_is(
    run: Run, layout: HostLayout, tmp_path: Path, mount: Mount
) -> None:
    mount(tmp_path / "disk", "noexec,mode=0755")
    (tmp_path / "root").symlink_to("disk")
    assert unfit(run, layout) == {Unfit.NOEXEC: str(tmp_path / "disk")}


@pytest.mark.parametrize("options", ["exec", "nosuid,nodev", "exec,size=1m"])
def test_what_is_mounted_below_or_over_it_counts(
    run: Run, layout: HostLayout, tmp_path: Path, mount: Mount, options: str
) -> None:
    mount(tmp_path / "root", "noexec")
    mount(tmp_path / "root", options)
    mount(tmp_path / "roo", "noexec")
    mount(tmp_path / "root" / "demo", "noexec")
    assert unfit(run, layout) == {}


@pytest.mark.parametrize(
    ("name", "kind"), [("root", Unfit.READ_ONLY), ("run", Unfit.READ_ONLY_RUN)]
)
def test_a_folder_that_nobody_can_write_to_is_told(
    *, run: Run, layout: HostLayout, tmp_path: Path, mount: Mount, name: str, kind: Unfit
) -> None:
    mount(tmp_path / name, "ro")
    assert unfit(run, layout) == {kind: str(tmp_path / name)}


def test_a_root_below_a_folder_that_is_not_there_is_told(
    run: Run, layout: HostLayout, tmp_path: Path
) -> None:
    at = replace(layout, root=PurePosixPath(tmp_path / "not" / "there" / "root"))
    assert unfit(run, at) == {Unfit.NO_PARENT: str(tmp_path / "not" / "there")}


def test_a_host_on_which_something_of_ours_is_placed_and_does_not_run_is_looked_at(
    run: Run, layout: HostLayout, tmp_path: Path, mount: Mount
) -> None:
    mount(tmp_path / "root", "noexec")
    place(layout, "r1")
    assert unfit(run, layout) == {Unfit.NOEXEC: str(tmp_path / "root")}
    assert unfit(run, layout, facts.MOUNTS) == {Unfit.NOEXEC: str(tmp_path / "root")}


def test_the_inspector_runs_elsewhere_where_its_disk_is_full(
    run: Run, layout: HostLayout, tmp_path: Path, mount: Mount
) -> None:
    disk = tmp_path / "disk"
    mount(disk, "size=64k,mode=0755")
    at = replace(layout, root=PurePosixPath(disk / "fleetbpf"))
    Path(at.root).mkdir(mode=0o700)
    with contextlib.suppress(OSError):  # no space left
        (disk / "filler").write_bytes(bytes(128 * 1024))
    before = sorted(disk.iterdir())
    completed = run(script("inspect.sh", at.root), gzip.compress(Path("/bin/true").read_bytes()))
    assert (completed.status, completed.stderr) == (0, b"")
    assert sorted(disk.iterdir()) == before
