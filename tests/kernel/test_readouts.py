"""Every type of map that can be read out, and every way to read it."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.kernel.conftest import Build, Start
from tests.kernel.running import Loader, ping
from tests.waiting import pause, wait_until

PID = f"pid={os.getpid()}"


def read(start: Start, name: str, words: str = "", *, times: int = 1) -> list[dict[str, Any]]:
    """What the last read-out of one map has after some calls."""
    loader = start("readouts", "--set", PID, "--map", f"{name}=1000{words}")
    ping(times)
    loader.stop()
    return entries(loader, name)


def entries(loader: Loader, name: str) -> list[dict[str, Any]]:
    records = [record for record in loader.records("map") if record["map"] == name]
    assert all("failed" not in record for record in records)
    return list(records[-1]["entries"])


def test_values_of_all_processors_are_added_up_field_by_field(start: Start) -> None:
    (entry,) = read(start, "by_port", ",sum", times=3)
    value = {"packets": 1 << 40, "balance": -3, "sizes": [1, 2, 3]}
    assert entry == {"key": 5, "value": value}


def test_a_sum_counts_what_every_processor_has_counted(start: Start) -> None:
    processors = sorted(os.sched_getaffinity(0))
    loader = start("readouts", "--set", PID, "--map", "recent=1000,sum", "--map", "hits=1000,sum")
    for processor in processors:
        os.sched_setaffinity(0, {processor})
        ping(processor + 1)
    os.sched_setaffinity(0, processors)
    loader.stop()
    total = sum(processor + 1 for processor in processors)
    assert entries(loader, "recent") == [{"key": 5, "value": total}]
    assert entries(loader, "hits") == [{"key": 0, "value": total}, {"key": 1, "value": 0}]


def test_prefixes_are_written_as_people_write_them(start: Start) -> None:
    assert read(start, "networks") == [{"key": "10.0.0.0/8", "value": 1}]
    assert read(start, "networks6") == [{"key": "2001:db8::/32", "value": 1}]


def test_a_per_cpu_array_of_slots_is_one_histogram(start: Start) -> None:
    (entry,) = read(start, "sizes", ",log2", times=2)
    largest = 2**64 - 1
    buckets = [[0, 1, 2], [1024, 2047, 2], [2**63, largest, 2]]
    assert entry == {"key": None, "buckets": buckets}


def test_keys_with_a_slot_are_a_histogram_for_each_group(start: Start) -> None:
    first, second = read(start, "disks", ",log2", times=3)
    assert first == {
        "key": {"disk": "sda"},
        "buckets": [[512, 1023, 1], [1024, 2047, 1], [2048, 4095, 1]],
    }
    assert second == {"key": {"disk": "sdb"}, "buckets": [[8, 15, 3]]}


def test_slots_may_be_of_one_width(start: Start) -> None:
    _, second = read(start, "disks", ",linear:100")
    assert second == {"key": {"disk": "sdb"}, "buckets": [[300, 399, 1]]}


def test_a_record_says_what_its_slots_stand_for(start: Start) -> None:
    maps = ("--map=disks=1000,linear:100", "--map=sizes=1000,log2", "--map=calls=1000")
    loader = start("readouts", *maps)
    loader.stop()
    said = {record["map"]: record.get("histogram") for record in loader.records("map")}
    assert said == {"disks": {"linear": 100}, "sizes": "log2", "calls": None}


def test_values_that_hold_slots_are_a_histogram_for_each_key(start: Start) -> None:
    (entry,) = read(start, "latencies", ",log2", times=2)
    assert entry == {"key": 7, "buckets": [[4, 7, 10]]}


def test_a_map_that_is_cleared_tells_each_count_once(start: Start) -> None:
    loader = start("readouts", "--set", PID, "--map", "calls=0.1,clear")
    for number in range(1, 6):
        ping(40)
        wait_for(loader, 40 * number)
    loader.stop()
    assert sorted(seen(loader)) == list(range(200))


def wait_for(loader: Loader, count: int) -> None:
    wait_until(lambda: len(seen(loader)) >= count, what=f"{count} calls are told")


def seen(loader: Loader) -> list[int]:
    """The keys of all read-outs so far; each has been counted once."""
    found = [entry for record in loader.records("map") for entry in record["entries"]]
    assert all(entry["value"] == 1 for entry in found)
    return [entry["key"] for entry in found]


def test_a_stack_is_shown_where_its_number_is(start: Start) -> None:
    (entry,) = read(start, "stalls", ",stack:key.kernel:stacks,stack:key.user:stacks")
    kernel, user = entry["stacks"]["key.kernel"], entry["stacks"]["key.user"]
    assert any(frame.startswith(("do_syscall_64+", "syscall_trace_enter")) for frame in kernel)
    assert user
    assert all(frame.startswith("0x") for frame in user)


def test_the_stacks_themselves_are_frames(start: Start) -> None:
    found = read(start, "stacks")
    assert len(found) == 2
    assert any("do_syscall_64+" in frame for entry in found for frame in entry["value"])


def test_by_hand_a_histogram_is_a_line_for_each_group(build: Build, tmp_path: Path) -> None:
    said = tmp_path / "said"
    command = [str(build("readouts")), "--set", PID, "--map", "disks=0.1,log2"]
    with said.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.DEVNULL)

    def asked() -> bool:
        ping()
        return b'disks {"disk":"sdb"} [[8,15,' in said.read_bytes()

    wait_until(asked, what="the histogram is printed")
    process.terminate()
    assert process.wait(timeout=60) == 0


@pytest.mark.parametrize(
    ("word", "what"),
    [
        ("calls=1,sum", "there is nothing to sum"),
        ("names=1,sum", "its values cannot be added up"),
        ("hits=1,clear", "only a hash is cleared without losing counts"),
        ("by_port=1,log2", "it has no slots"),
        ("calls=1,linear:0", "unknown word"),
        ("calls=1,stack:pid:stacks", "unknown word"),
        ("calls=1,stack:key:none", "readouts has no such map"),
        ("queue=1", "a map of this type (queue) cannot be read out"),
    ],
)
def test_what_a_map_cannot_do_is_refused(build: Build, word: str, what: str) -> None:
    command = [str(build("readouts")), "--map", word]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert done.returncode == 1
    assert what in done.stderr


def dump(loader: Loader, name: str) -> subprocess.CompletedProcess[str]:
    command = [*loader.command(), "--dump", name]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def dumped(loader: Loader, name: str) -> list[dict[str, Any]]:
    done = dump(loader, name)
    assert done.returncode == 0, done.stderr
    first, *records = map(json.loads, done.stdout.splitlines())
    boot = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    assert first["clock_offset_ns"] == pytest.approx(time.time_ns() - boot, abs=60e9)
    return records


def test_a_dump_shows_the_maps_of_the_loader_that_runs(start: Start) -> None:
    loader = start("readouts", "--set", PID, "--map=disks=1000,log2", "--map=calls=1000,clear")
    ping(2)
    assert [record["map"] for record in dumped(loader, "calls")] == ["calls"]
    everything = {record["map"]: record for record in dumped(loader, "all")}
    assert len(everything["calls"]["entries"]) == 2
    assert everything["disks"]["histogram"] == "log2"
    assert everything["hits"]["entries"][0]["key"] == 0
    assert "queue" not in everything
    loader.stop()
    assert len(entries(loader, "calls")) == 2


def test_a_dump_works_when_the_loader_hangs(start: Start) -> None:
    loader = start("readouts", "--set", PID)
    ping()
    pause(loader.pid)
    try:
        (record,) = dumped(loader, "networks")
        assert record["entries"] == [{"key": "10.0.0.0/8", "value": 1}]
    finally:
        os.kill(loader.pid, signal.SIGCONT)


def test_a_dump_of_a_loader_that_has_gone_is_refused(start: Start) -> None:
    loader = start("readouts", "--set", PID)
    loader.kill()
    # The kernel frees the maps a moment later.
    wait_until(lambda: dump(loader, "calls").returncode == 1, what="the maps have gone")
    assert dump(loader, "calls").stderr == "readouts: readouts does not run\n"
    loader.start()
    loader.stop()
    stopped = dump(loader, "all")
    assert (stopped.returncode, stopped.stderr) == (1, "readouts: readouts does not run\n")


@pytest.mark.parametrize(
    ("name", "what"),
    [("none", "has no such map"), ("queue", "(queue) cannot be read out")],
)
def test_a_dump_of_what_is_not_there_is_refused(start: Start, name: str, what: str) -> None:
    loader = start("readouts")
    done = dump(loader, name)
    assert done.returncode == 1
    assert what in done.stderr
    assert not (loader.run / "failure").exists()
