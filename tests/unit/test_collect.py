"""Collecting: a stream cut anywhere, mirrored byte for byte."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from fleetbpf.connections.recording import RecordingConnection
from fleetbpf.defaults import DEFAULT_MIRROR_LIMIT
from fleetbpf.errors import HostError, UnreachableError
from fleetbpf.execution import Completed
from fleetbpf.host.protocol import OddAnswerError
from fleetbpf.model.layout import HostLayout
from fleetbpf.records.collect import FOLLOW_SILENCE, Receiver, exclusive, fetch, held, offsets
from fleetbpf.records.mirror import Room

HEADER = b'{"fleetbpf":1,"clock_offset_ns":0,"start_ns":0}\n'
SEGMENT = "demo/hello/r1/00000001.log"


def stream(content: bytes, offset: int = 0) -> bytes:
    return f"segment\t{SEGMENT}\t{offset}\t{len(content)}\n".encode() + content


def receiver_of(mirror: Path, on_news: Callable[[], None] | None = None) -> Receiver:
    room = Room.measure(mirror, host="web1", limit=DEFAULT_MIRROR_LIMIT)
    told = dict(held(mirror, deployment=""))
    return Receiver(mirror=mirror, room=room, told=told, on_news=on_news)


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_pieces_of_any_size_make_the_same_mirror(tmp_path: Path, size: int) -> None:
    content = HEADER + b'{"time":1}\nidle\nsegment\tx\n'
    whole = b"fleetbpf\tcollect\n" + stream(content) + b"idle\n"
    receiver = receiver_of(tmp_path)
    for start in range(0, len(whole), size):
        receiver.feed(whole[start : start + size])
    assert (tmp_path / SEGMENT).read_bytes() == content
    assert (receiver.greeted, receiver.received) == (True, len(content))


def test_a_stream_cut_short_goes_on_where_it_ended(tmp_path: Path) -> None:
    content = HEADER + b'{"time":1}\n'
    receiver_of(tmp_path).feed(stream(content)[:-5])
    ((path, found),) = held(tmp_path, deployment="")
    size = found.size
    assert (path, size) == (SEGMENT, len(content) - 5)
    receiver_of(tmp_path).feed(stream(content[size:], offset=size))
    assert (tmp_path / SEGMENT).read_bytes() == content


def test_offsets_name_the_header_so_that_another_spool_is_noticed(tmp_path: Path) -> None:
    receiver_of(tmp_path).feed(stream(HEADER))
    said = offsets(dict(held(tmp_path, deployment="demo"))).decode()
    path, _, rest = said.partition("=")
    size, _, checksum = rest.partition(":")
    assert (path, int(size), len(checksum)) == (SEGMENT, len(HEADER), 64)


def test_a_replaced_spool_is_set_aside_and_not_mixed(tmp_path: Path) -> None:
    receiver_of(tmp_path).feed(stream(HEADER + b"old\n"))
    receiver_of(tmp_path).feed(stream(HEADER + b"new\n"))
    assert (tmp_path / SEGMENT).read_bytes() == HEADER + b"new\n"
    (aside,) = (tmp_path / "demo" / "hello").glob("r1@19700101T000000-*")
    assert (aside / "00000001.log").read_bytes() == HEADER + b"old\n"
    assert [path for path, _ in held(tmp_path, deployment="")] == [SEGMENT]


@pytest.mark.parametrize("path", ["../../etc/x/y", "/a/b/c", "a/b/c", "a/../b/c", "a//b/c"])
def test_a_host_cannot_make_us_write_elsewhere(tmp_path: Path, path: str) -> None:
    with pytest.raises(OddAnswerError, match="path: holds what cannot be there"):
        receiver_of(tmp_path).feed(f"segment\t{path}\t0\t3\nabc".encode())
    assert list(tmp_path.rglob("*")) == []


def test_bytes_for_another_offset_than_ours_are_refused(tmp_path: Path) -> None:
    receiver_of(tmp_path).feed(stream(HEADER))
    with pytest.raises(OddAnswerError, match="byte 3 was sent"):
        receiver_of(tmp_path).feed(stream(b"x", offset=3))


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_two_who_collect_at_once_make_the_same_mirror(tmp_path: Path, size: int) -> None:
    content = HEADER + b'{"time":1}\n' * 9
    whole, told = stream(content), []
    first, second = receiver_of(tmp_path, lambda: told.append("first")), receiver_of(tmp_path)
    first.feed(whole[:70])
    for start in range(0, len(whole), size):
        second.feed(whole[start : start + size])
    second.feed(b"idle\n" + stream(b"more\n", offset=len(content)))
    first.feed(whole[70:])
    first.feed(b"idle\n" + stream(b"more\n", offset=len(content)))
    assert (tmp_path / SEGMENT).read_bytes() == content + b"more\n"
    assert told == ["first", "first"]
    assert first.received == second.received == len(content) + len(b"more\n")


def test_two_who_find_a_replaced_spool_set_it_aside_once(tmp_path: Path) -> None:
    receiver_of(tmp_path).feed(stream(HEADER + b"old\n"))
    new = stream(HEADER.replace(b"0}", b"1}") + b"new\n")
    first, second = receiver_of(tmp_path), receiver_of(tmp_path)
    first.feed(new[:100])
    second.feed(new)
    first.feed(new[100:])
    assert (tmp_path / SEGMENT).read_bytes().endswith(b"new\n")
    assert len(list((tmp_path / "demo" / "hello").iterdir())) == 2


def test_a_mirror_that_is_taken_away_meanwhile_is_told(tmp_path: Path) -> None:
    receiver = receiver_of(tmp_path)
    receiver.feed(stream(HEADER)[:60])
    (tmp_path / SEGMENT).unlink()
    with pytest.raises(HostError, match="moved or removed while it was collected"):
        receiver.feed(stream(HEADER)[60:])


def test_news_is_told_once_its_bytes_are_written(tmp_path: Path) -> None:
    told: list[int] = []
    receiver = receiver_of(
        tmp_path, on_news=lambda: told.append((tmp_path / SEGMENT).stat().st_size)
    )
    receiver.feed(stream(HEADER))
    receiver.feed(b"idle\n")
    assert told == [len(HEADER)]


def test_a_mirror_that_cannot_be_written_is_told_with_its_cure(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("in the way")
    with pytest.raises(HostError, match="logs: Not a directory") as error:
        fetch(RecordingConnection(), HostLayout(), tmp_path / "logs" / "web1", host="web1")
    assert error.value.problems[0].hint.startswith("make room or fix the folder")


def test_one_writes_into_a_mirror_at_a_time(tmp_path: Path) -> None:
    with (
        exclusive(tmp_path, host="web1"),
        pytest.raises(HostError, match="another fleetbpf holds"),
        exclusive(tmp_path, host="web1", patience=0),
    ):
        pass


def test_a_collector_with_patience_waits_for_the_other(tmp_path: Path) -> None:
    with exclusive(tmp_path, host="web1"):
        threads = [threading.Thread(target=collects, args=(tmp_path, 60.0), daemon=True)]
        threads[0].start()
        with pytest.raises(HostError):
            collects(tmp_path, 0.2)
    threads[0].join(60)
    assert (tmp_path / "done").exists()


def collects(mirror: Path, patience: float) -> None:
    with exclusive(mirror, host="web1", patience=patience):
        (mirror / "done").touch()


def test_following_ends_only_by_an_error_that_may_pass(tmp_path: Path) -> None:
    begun: list[str] = []
    said = Completed(status=143, stdout=b"fleetbpf\tcollect\nidle\n")  # somebody killed it
    host = RecordingConnection(lambda _: said)
    with pytest.raises(UnreachableError, match="ended"):
        fetch(
            host,
            HostLayout(),
            tmp_path / "logs" / "web1",
            host="web1",
            interval=1.0,
            on_start=lambda: begun.append("web1"),
        )
    assert begun == ["web1"]
    (ran,) = host.ran
    assert ran.command.limits.silence == FOLLOW_SILENCE
