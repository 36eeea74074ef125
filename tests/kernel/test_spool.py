"""Segments: valid, complete, never doubled, whatever happens to the loader or to the disk."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kernel.conftest import TRACING, Start
from tests.kernel.running import ping
from tests.waiting import wait_until

PID = f"pid={os.getpid()}"


def test_a_segment_is_a_header_and_records_in_json(start: Start) -> None:
    loader = start("ping", "--set", PID)
    ping(3)
    loader.wait_for_texts(3)
    assert loader.stop() == 0
    header = json.loads(loader.segments()[0].read_text().split("\n")[0])
    assert header["fleetbpf"] == 1
    assert header["segment"] == 1
    assert header["deployment"] == "of-a-test"
    assert header["release"] == loader.release
    first, *traces, last = loader.records()
    assert (first["kind"], first["reason"]) == ("start", "first")
    assert first["attached"] == [{"function": "ping", "hook": "raw_tp/sys_enter"}]
    assert [(record["text"], record["pid"]) for record in traces] == [
        (f"ping {n}", os.getpid()) for n in (1, 2, 3)
    ]
    assert (last["kind"], last["reason"], last["written"], last["lost"]) == (
        "stop",
        "SIGTERM",
        3,
        0,
    )


def test_times_are_since_boot_and_the_header_leads_to_the_wall(start: Start) -> None:
    loader = start("ping", "--set", PID)
    before = time.time_ns()
    ping()
    loader.wait_for_texts(1)
    after = time.time_ns()
    header = json.loads(loader.segments()[0].read_text().split("\n")[0])
    assert header["boot_id"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    (record,) = loader.records("trace")
    wall = record["time"] + header["clock_offset_ns"]
    assert before - 50_000_000 <= wall <= after + 50_000_000


def test_what_was_printed_before_sigterm_is_written(start: Start) -> None:
    loader = start("ping", "--set", PID)
    ping(500)
    loader.stop()
    assert loader.texts() == [f"ping {n}" for n in range(1, 501)]


def test_sigterm_leaves_no_instance_and_no_state(start: Start) -> None:
    loader = start("ping", "--set", PID)
    assert (TRACING / "instances" / loader.instance).exists()
    assert loader.stop() == 0
    assert not (TRACING / "instances" / loader.instance).exists()
    assert not (loader.run / "state").exists()


def test_after_sigkill_the_next_start_says_restart_and_doubles_nothing(start: Start) -> None:
    loader = start("ping", "--set", PID)
    ping(5)
    loader.wait_for_texts(5)
    loader.kill()
    assert (TRACING / "instances" / loader.instance).exists()
    loader.start()
    ping(2)
    loader.wait_for_texts(7)
    loader.stop()
    starts = [(record["reason"], record["clean"]) for record in loader.records("start")]
    assert starts == [("first", False), ("restart", False)]
    assert loader.texts() == [f"ping {n}" for n in (1, 2, 3, 4, 5, 1, 2)]
    assert not (TRACING / "instances" / loader.instance).exists()


def test_a_torn_record_stays_alone_in_its_segment(start: Start) -> None:
    loader = start("ping", "--set", PID)
    loader.kill()
    with loader.segments()[0].open("a") as segment:
        segment.write('{"time":12,"kind":"tra')
    loader.start()
    assert [path.name for path in loader.segments()] == ["00000001.log", "00000002.log"]
    assert loader.records("start")[-1]["reason"] == "restart"


def test_another_boot_is_told_from_a_restart(start: Start) -> None:
    loader = start("ping", "--set", PID)
    loader.stop()
    segment = loader.segments()[0]
    boot_id = json.loads(segment.read_text().split("\n")[0])["boot_id"]
    segment.write_text(segment.read_text().replace(boot_id, "0" * 8 + boot_id[8:]))
    loader.start()
    record = loader.records("start")[-1]
    assert (record["reason"], record["clean"]) == ("reboot", True)


def test_the_oldest_segment_goes_first_and_is_counted(start: Start) -> None:
    loader = start("ping", "--set", PID, "--spool-limit", "65536")
    for _ in range(20):
        ping(100)
        time.sleep(0.06)
    loader.stop()
    used = sum(path.stat().st_size for path in loader.segments())
    assert used <= 65536
    assert not (loader.spool / "00000001.log").exists()
    lost = loader.records("lost")
    assert {record["place"] for record in lost} == {"spool"}
    dropped_markers = [record for record in lost if "segment" in record]
    assert dropped_markers
    kept = loader.texts()
    assert kept == [f"ping {n}" for n in range(2001 - len(kept), 2001)]
    # A dropped segment's own loss records are carried on: the last one dropped knows of all.
    first_kept = int(kept[0].split()[1])
    assert sum(record["count"] for record in lost) == first_kept - 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    options = ["-t", "tmpfs", "-o", "size=64k", "tmpfs"]
    subprocess.run(["mount", *options, disk], check=True)
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def test_a_full_disk_is_counted_and_then_written_again(start: Start, small_disk: Path) -> None:
    spool = small_disk / "spool"
    filler = small_disk / "filler"
    loader = start("ping", "--set", PID, spool=spool)
    ping(10)
    wait_until(lambda: len(loader.records("trace", spool)) == 10, what="10 lines")
    filler.write_bytes(b"x" * 40000)
    ping(2000)
    time.sleep(0.5)
    filler.unlink()

    def reported() -> bool:
        ping()
        return bool(loader.records("lost", spool))

    wait_until(reported, what="the loss is reported")
    loader.stop()
    traces = loader.records("trace", spool)
    lost = loader.records("lost", spool)
    assert {record["place"] for record in lost} == {"spool"}
    numbers = [int(record["text"].split()[1]) for record in traces]
    assert numbers == sorted(set(numbers))
    assert len(numbers) + sum(record["count"] for record in lost) == numbers[-1]
    (stop,) = loader.records("stop", spool)
    assert stop["lost"] == sum(record["count"] for record in lost)
    assert stop["written"] == len(numbers)


def test_a_folder_that_cannot_be_made_is_named(start: Start, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    loader = start("ping", ready=False, spool=tmp_path / "file" / "spool")
    assert loader.process is not None
    _, err = loader.process.communicate(timeout=120)
    assert loader.process.returncode == 1
    assert f"{tmp_path}/file/spool: Not a directory" in err.decode()
