"""The store of builds: whole entries, verified, safe against others."""

import errno
import fcntl
import os
import threading
import time
from pathlib import Path

import pytest

from fleetbpf.errors import BuildError
from fleetbpf.files import cache
from fleetbpf.files.cache import Cache, Entry

KEY = "ab" + "0" * 62


def store(folder: Cache, content: bytes = b"loader", key: str = KEY) -> Entry:
    with folder.work_folder() as work:
        (work / "loader").write_bytes(content)
        return folder.store(key, work, ("loader",), "notes")


def test_what_was_stored_is_found_under_its_key(tmp_path: Path) -> None:
    here = Cache(root=tmp_path)
    stored = store(here)
    assert here.find(KEY) == stored
    assert stored.path("loader") == tmp_path / "ab" / KEY / "loader"
    assert stored.notes == "notes"


def test_nothing_is_found_under_another_key(tmp_path: Path) -> None:
    assert Cache(root=tmp_path).find(KEY) is None


@pytest.mark.parametrize("name", ["loader", cache.RECORD])
def test_a_damaged_entry_is_not_found_and_a_new_build_replaces_it(
    tmp_path: Path, name: str
) -> None:
    here = Cache(root=tmp_path)
    path = store(here).path(name)
    path.write_bytes(path.read_bytes()[:-3])
    assert here.find(KEY) is None
    assert store(here).path("loader").read_bytes() == b"loader"
    assert here.find(KEY) is not None


@pytest.mark.parametrize("name", ["loader", cache.RECORD])
def test_an_entry_that_lacks_a_file_is_replaced(tmp_path: Path, name: str) -> None:
    here = Cache(root=tmp_path)
    store(here).path(name).unlink()
    assert here.find(KEY) is None
    store(here)
    assert here.find(KEY) is not None


def test_of_two_builds_of_one_key_the_first_whole_one_stays(tmp_path: Path) -> None:
    here = Cache(root=tmp_path)
    first = store(here).path("loader").stat().st_ino
    store(here)
    assert (tmp_path / "ab" / KEY / "loader").stat().st_ino == first


def test_many_builds_at_once_leave_one_whole_entry_and_nothing_else(tmp_path: Path) -> None:
    here = Cache(root=tmp_path)
    threads = [threading.Thread(target=store, args=(here,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert here.find(KEY) is not None
    assert list((tmp_path / "building").iterdir()) == []


def test_a_work_folder_is_gone_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no"), Cache(root=tmp_path).work_folder():
        raise ValueError("no")
    assert list((tmp_path / "building").iterdir()) == []


def left_behind(tmp_path: Path, *, seconds_ago: float) -> Path:
    folder = tmp_path / "building" / "1-abc"
    folder.mkdir(parents=True)
    (folder / "half.o").write_bytes(b"half")
    then = time.time() - seconds_ago
    os.utime(folder, (then, then))
    return folder


def test_the_next_build_removes_what_a_killed_one_left(tmp_path: Path) -> None:
    folder = left_behind(tmp_path, seconds_ago=120)
    with Cache(root=tmp_path).work_folder():
        assert not folder.exists()


def test_a_folder_that_is_only_just_made_is_left_alone(tmp_path: Path) -> None:
    folder = left_behind(tmp_path, seconds_ago=0)
    with Cache(root=tmp_path).work_folder():
        assert folder.exists()


def test_the_folder_of_a_living_build_is_left_alone_for_a_day(tmp_path: Path) -> None:
    folder = left_behind(tmp_path, seconds_ago=120)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        cache.sweep(folder.parent, now=time.time())
        assert folder.exists()
        cache.sweep(folder.parent, now=time.time() + cache.ABANDONED)
        assert not folder.exists()
    finally:
        os.close(descriptor)


def test_a_full_disk_is_said_with_its_cure(tmp_path: Path) -> None:
    with pytest.raises(BuildError) as caught, Cache(root=tmp_path).work_folder():
        raise OSError(errno.ENOSPC, "No space left on device")
    [problem] = caught.value.problems
    assert problem.what == "the disk of the build cache is full"
    assert "XDG_CACHE_HOME" in problem.hint


def test_a_cache_that_cannot_be_written_is_said_with_its_cure(tmp_path: Path) -> None:
    root = tmp_path / "file"
    root.write_bytes(b"")
    with pytest.raises(BuildError) as caught, Cache(root=root).work_folder():
        pass
    assert "the build cache fails" in caught.value.problems[0].what


def test_an_error_that_is_not_the_caches_passes_through(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), Cache(root=tmp_path).work_folder():
        (tmp_path.parent / "not there").read_bytes()
