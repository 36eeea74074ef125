"""A user of a host puts links, FIFOs and folders of his own where a loader works as root."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tools import need_root
from tests.unit.sanitized import ask

USER = 12345
SECRET = "root's alone\n"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file that only root may read."""
    file = tmp_path / "secret"
    file.write_text(SECRET)
    file.chmod(0o600)
    return file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of a user, who is not root where the tests are."""
    made = tmp_path / "metrics"
    made.mkdir(mode=0o755)
    if os.geteuid() == 0:
        os.chown(made, USER, USER)
    return made


def untouched(secret: Path) -> bool:
    return (secret.read_text(), secret.stat().st_mode & 0o777) == (SECRET, 0o600)


NAME = "fleetbpf-d-p.prom"


@pytest.mark.parametrize("name", [NAME, f"{NAME}.new"])
@pytest.mark.parametrize("place", [Path.symlink_to, Path.hardlink_to])
def test_metrics_follow_no_link(
    driver: Path, folder: Path, secret: Path, name: str, place: Callable[[Path, Path], None]
) -> None:
    place(folder / name, secret)
    assert ask(driver, "textfile", folder, stdin=b"up 1\n") == b"written\n"
    assert untouched(secret)
    assert (folder / NAME).read_text() == "up 1\n"
    assert not (folder / NAME).is_symlink()


@pytest.mark.parametrize("name", [NAME, f"{NAME}.new"])
def test_metrics_are_not_held_up_by_a_fifo(driver: Path, folder: Path, name: str) -> None:
    os.mkfifo(folder / name)
    assert ask(driver, "textfile", folder, stdin=b"up 1\n") == b"written\n"
    assert (folder / NAME).read_text() == "up 1\n"


def test_a_folder_of_metrics_that_became_a_link_of_a_user_is_refused(
    driver: Path, folder: Path, tmp_path: Path
) -> None:
    need_root()
    other = tmp_path / "etc"
    other.mkdir()
    (folder / "metrics").symlink_to(other)
    os.lchown(folder / "metrics", USER, USER)
    assert ask(driver, "textfile", folder / "metrics", stdin=b"up 1\n") == b"\n"
    assert list(other.iterdir()) == []


@pytest.mark.parametrize("name", ["state", "state.new"])
def test_a_file_of_state_is_replaced_not_written_through(
    driver: Path, tmp_path: Path, secret: Path, name: str
) -> None:
    place = tmp_path / "run"
    place.mkdir()
    (place / name).symlink_to(secret)
    assert ask(driver, "replace", place / "state", stdin=b"{}\n") == b"\n"
    assert untouched(secret)
    assert (place / "state").read_text() == "{}\n"
    assert (place / "state").stat().st_mode & 0o777 == 0o600


def reached(driver: Path, way: str, path: Path) -> str:
    return ask(driver, "reach", way, path).decode().strip()


def test_a_folder_that_is_not_there_is_made_for_us_alone(driver: Path, tmp_path: Path) -> None:
    assert reached(driver, "make", tmp_path / "a" / "b") == ""
    assert {(tmp_path / name).stat().st_mode & 0o777 for name in ("a", "a/b")} == {0o700}


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o770, 0o1777])
def test_a_folder_that_others_may_change_is_refused(
    driver: Path, tmp_path: Path, mode: int
) -> None:
    place = tmp_path / "open"
    place.mkdir()
    place.chmod(mode)
    said = reached(driver, "make", place)
    assert said.startswith(f"{place}: others than its owner, user {os.geteuid()}, may change")
    assert f"ls -ld {place}" in said


@pytest.mark.parametrize("way", ["ours", "make"])
@pytest.mark.parametrize("inside", ["", "deeper", "deeper/still"])
def test_a_folder_of_a_user_is_refused_with_his_number(
    driver: Path, tmp_path: Path, way: str, inside: str
) -> None:
    need_root()
    theirs = tmp_path / "theirs"
    (theirs / "deeper" / "still").mkdir(parents=True)
    os.chown(theirs, USER, USER)
    said = reached(driver, way, theirs / inside)
    assert said.startswith(f"{theirs}: this folder belongs to user {USER}, not to root")


def test_a_user_who_was_first_in_an_open_folder_is_refused(driver: Path, tmp_path: Path) -> None:
    need_root()
    shared = tmp_path / "bpf"
    (shared / "fleetbpf").mkdir(parents=True)
    shared.chmod(0o1777)
    assert reached(driver, "make", shared / "fleetbpf" / "demo") == ""
    shutil.rmtree(shared / "fleetbpf")
    (shared / "fleetbpf").mkdir()
    os.chown(shared / "fleetbpf", USER, USER)
    assert f"belongs to user {USER}" in reached(driver, "make", shared / "fleetbpf" / "demo")
    assert list((shared / "fleetbpf").iterdir()) == []


def test_a_link_of_a_user_is_not_followed_and_one_of_root_is(driver: Path, tmp_path: Path) -> None:
    need_root()
    (tmp_path / "disk").mkdir()
    link = tmp_path / "link"
    for target in ("disk", str(tmp_path / "disk"), "../" + tmp_path.name + "/disk"):
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        assert reached(driver, "make", link / "a") == ""
        assert (tmp_path / "disk" / "a").is_dir()
    os.lchown(link, USER, USER)
    for way in ("ours", "anyone"):
        assert f"this link belongs to user {USER}" in reached(driver, way, link / "a")


def test_a_link_that_leads_through_a_users_folder_is_refused(driver: Path, tmp_path: Path) -> None:
    need_root()
    (tmp_path / "theirs" / "a").mkdir(parents=True)
    os.chown(tmp_path / "theirs", USER, USER)
    (tmp_path / "link").symlink_to("theirs/a")
    assert f"belongs to user {USER}" in reached(driver, "ours", tmp_path / "link")


def test_links_in_a_circle_end(driver: Path, tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert reached(driver, "ours", tmp_path / "a") == "Too many levels of symbolic links"


@pytest.mark.parametrize("kind", [Path.touch, os.mkfifo])
def test_what_is_no_folder_is_refused(
    driver: Path, tmp_path: Path, kind: Callable[[Path], None]
) -> None:
    kind(tmp_path / "x")
    assert reached(driver, "make", tmp_path / "x" / "y") == "Not a directory"


@pytest.mark.parametrize(
    ("confinement", "unmounting"),
    [("start", "No such file or directory"), ("run", "Operation not permitted")],
)
def test_what_a_loader_never_does_the_kernel_refuses(
    driver: Path, confinement: str, unmounting: str
) -> None:
    need_root()
    assert ask(driver, "confine", confinement).decode().splitlines() == [
        "execve: Operation not permitted",
        "unshare: Operation not permitted",
        f"umount: {unmounting}",
        "getpid: done",
    ]
