"""Hosts that would fill this machine's disk or inodes, or keep it busy, with their spools."""

import threading
from pathlib import Path

import pytest

from fleetbpf.errors import HostError
from fleetbpf.host.protocol import OddAnswerError
from fleetbpf.records.collect import Receiver, held, started_at
from fleetbpf.records.mirror import BYTES_PER_ENTRY, CHATTER, Room
from tests.hostile.lying_host import ask, lying
from tests.tools import need, need_root

SEGMENT = "segment\ta/b/c/00000001.log\t"


def receiver(mirror: Path, *, limit: int = 2**30) -> Receiver:
    return Receiver(mirror=mirror, room=Room.measure(mirror, host="evil", limit=limit))


def refusal(mirror: Path, said: str, *, limit: int = 2**30) -> str:
    """Why a stream is refused; it is not worked on for ever."""
    caught: list[Exception] = []

    def feed() -> None:
        try:
            receiver(mirror, limit=limit).feed(said.encode())
        except (HostError, OddAnswerError) as error:
            caught.append(error)

    thread = threading.Thread(target=feed, daemon=True)
    thread.start()
    thread.join(30)
    assert caught, "nothing was refused"
    return str(caught[0])


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (f"{SEGMENT}0\t-5\nxxxxx", "size: is no number"),
        (f"{SEGMENT}-5\t5\nxxxxx", "offset: is no number"),
        (f"{SEGMENT}0\t{'9' * 5000}\n", "a line of more than 4096 bytes"),
        (f"{SEGMENT}0\t{'9' * 50}\n", "size: is no number"),
        (f"{SEGMENT}x\ty\n", "offset: is no number"),
        ("segment\ta/b/c/1.log\n", "offset: is missing"),
        (f"{SEGMENT}0\t0\n", "nothing of it"),
        (f"{SEGMENT}0\t1\nx{SEGMENT}1\t1\nx", "a segment twice"),
        ("x" * 5000, "a line of more than 4096 bytes"),
        ("idle\n" * CHATTER, "bytes that belong to no segment"),
    ],
)
def test_what_is_no_stream_of_segments_ends_at_once(tmp_path: Path, said: str, why: str) -> None:
    assert why in refusal(tmp_path, said)


def test_a_segment_may_grow_between_two_looks(tmp_path: Path) -> None:
    taken = receiver(tmp_path)
    taken.feed(f"{SEGMENT}0\t1\nxidle\n{SEGMENT}1\t1\ny".encode())
    assert (tmp_path / "a/b/c/00000001.log").read_bytes() == b"xy"


def test_a_mirror_holds_no_more_bytes_than_its_limit_and_nothing_is_written_beyond(
    tmp_path: Path,
) -> None:
    receiver(tmp_path, limit=2**20).feed(f"{SEGMENT}0\t600000\n{'x' * 600000}".encode())
    more = f"{SEGMENT}600000\t600000\n{'x' * 600000}"
    said = refusal(tmp_path, more, limit=2**20)
    assert said.startswith(f"evil: {tmp_path} would hold more than mirror_limit (1.0 MiB) allows")
    assert "fleetbpf.yml" in said
    assert (tmp_path / "a/b/c/00000001.log").stat().st_size == 600000


def test_a_mirror_has_no_more_files_and_folders_than_its_limit_allows(tmp_path: Path) -> None:
    most = 2**20 // BYTES_PER_ENTRY
    said = refusal(
        tmp_path,
        "".join(f"segment\ta/b/c{number}/1.log\t0\t1\nx" for number in range(100)),
        limit=2**20,
    )
    assert f"would have more than {most} files and folders: mirror_limit (1.0 MiB)" in said
    assert sum(each.name != ".lock" for each in tmp_path.rglob("*")) <= most


def test_spools_that_are_replaced_again_and_again_count_as_well(tmp_path: Path) -> None:
    headers = [f'{{"start_ns":{10**9 * n},"clock_offset_ns":0}}\n' for n in range(100, 200)]
    again = "".join(f"{SEGMENT}0\t{len(header)}\n{header}idle\n" for header in headers)
    assert "mirror_limit" in refusal(tmp_path, again, limit=2**20)


def test_of_a_segment_without_lines_only_the_beginning_is_looked_at(tmp_path: Path) -> None:
    file = tmp_path / "a/b/c/1.log"
    file.parent.mkdir(parents=True)
    with file.open("wb") as segment:
        segment.truncate(10 * 2**30)
    ((path, found),) = held(tmp_path, deployment="")
    assert (path, found.size, found.header) == ("a/b/c/1.log", 10 * 2**30, "")


@pytest.mark.parametrize("start", ["9" * 300, "[" * 10000, "1e999"])
def test_a_spool_whose_beginning_is_no_time_is_set_aside_as_one_of_now(start: str) -> None:
    assert started_at(f'{{"start_ns":{start},"clock_offset_ns":0}}'.encode()).year > 2000


@pytest.mark.ssh
@pytest.mark.parametrize(
    ("lie", "says"),
    [
        ("negative segment", "is not valid"),
        ("huge segment", "would hold more than mirror_limit (64.0 MiB) allows"),
        ("many segments", "would have more than 1024 files and folders: mirror_limit (64.0 MiB)"),
        ("same segment", "a segment twice"),
        ("endless line of segments", "a line of more than 4096 bytes"),
        ("endless idle", "bytes that belong to no segment"),
    ],
)
def test_the_command_ends_with_the_limit_that_was_kept(tmp_path: Path, lie: str, says: str) -> None:
    need("sshd", "ssh-keygen")
    need_root()
    with lying(tmp_path, lie) as folder:
        (folder / "fleetbpf.yml").write_text("mirror_limit: 64MiB\n")
        ended = ask(folder, "logs", "evil")
    assert (ended.status, says in ended.out) == (1, True), ended.out
